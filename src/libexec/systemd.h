/* systemd.h - a bus to systemd, and what is asked over it.                                   (libexec/, may include base fmt)
 *
 * Runs in:   libexec/mydocker/systemd, a child of the runtime, with the system's libc and libsystemd. It dies with its parent.
 * Theory:    a scope must not be empty, so the helper is the first process of each that it starts, and stays in it until its standard
 *            input ends: by then the container's is in there, or systemd finds the scope empty and takes it away.
 * Errors:    as ever; a text of systemd's own stands at the end of ours.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-bus.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/own.h"
#include "fmt/unit_talk.h"

DEFINE_AUTO(sd_bus *, sd_bus_flush_close_unref, NULL)

typedef struct Property {
	const char *name, *value; /* in the text form of GVariant */
} Property;

/* The user's systemd, or the system's, by its bus, or as root by its own socket where there is no bus. Who it is goes to *ret_who. */
int systemd_connect(bool is_user, sd_bus **ret, UnitReply *ret_who, Err *e);

/* A transient unit with this process in it, if it is a scope. version: of systemd. talk_fd: when that hangs up, nobody wants it any more. */
int systemd_start(sd_bus *bus, const char *unit, const Property *properties, size_t count,
		  unsigned version, int talk_fd, Arena *a, Err *e);
int systemd_set(sd_bus *bus, const char *unit, const Property *properties, size_t count, Arena *a,
		Err *e);
int systemd_stop(sd_bus *bus, const char *unit, int talk_fd, Err *e);

/* Adds a value to a message (systemd_value.c). */
int systemd_append(sd_bus_message *m, const Property *p, Arena *a, Err *e);
