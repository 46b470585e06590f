/* unit_talk.h - what a runtime and libexec/mydocker/systemd say to each other.               (fmt/, may include base)
 *
 * Theory:    a SOCK_SEQPACKET pair; the helper's end is its standard input. It begins with a reply that tells of its systemd, or why there is
 *            none; then each request gets one reply. A request is one packet of strings, each with its NUL: a verb, a unit, and for
 *            "start" and "set" names and values of properties, in turn. End of file: the helper ends.
 * Version:   both are of one build (UNIT_TALK_ARGS: PROGRAM BUILD_ID "system"|"user"), so the reply is a structure.
 */
#pragma once
#include <stdint.h>

#include "base/err.h"

#define UNIT_VERB_START \
	"start" /* a transient unit, which a scope's helper is the first process of; replied to when its job is done */
#define UNIT_VERB_SET  "set"
#define UNIT_VERB_STOP "stop" /* a unit that is not there is as good as stopped */

#define UNIT_TALK_ARGS  3
#define UNIT_TALK_BYTES (128u << 10) /* a request, at most: the socket's buffer holds more */

typedef struct UnitReply {
	Err err;          /* ERR_OK: what was asked for is done */
	uint32_t version; /* of systemd: 252; 0: it did not tell */
	char group[1024]; /* the group of its own, "/" or "/user.slice/..." */
} UnitReply;
