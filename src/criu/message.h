/* message.h - what is said to criu, and what it says: the messages of its RPC.                (criu/, may include base)
 *
 * Runs in:   the command's process. Pure.
 * Theory:    `criu swrk FD` takes one request, tells by notifications how far it is, each of which it wants answered, and ends with a
 *            response. It also has a command line, but no notifications there: no place for hooks, and no way to get the terminal.
 * Input:     responses, from a program of the host: checked as protobuf.h says. Fields that are not known are passed over.
 * Source:    criu.org, "RPC"; the field numbers of criu's rpc.proto.
 */
#pragma once
#include "base/err.h"
#include "base/str.h"
#include "criu/protobuf.h"

typedef enum CriuKind { /* criu_req_type */
			CRIU_DUMP = 1,
			CRIU_RESTORE = 2,
			CRIU_NOTIFY = 6,
			CRIU_FEATURES = 9,
			CRIU_VERSION = 10,
			CRIU_PRE_DUMP = 13, /* just one, and no dump that must follow */
} CriuKind;
const char *criu_kind_name(CriuKind k); /* "DUMP" */

typedef enum CriuCgroups { /* criu_cg_mode */
			   CRIU_CGROUPS_IGNORE = 0,
			   CRIU_CGROUPS_SOFT = 3,
			   CRIU_CGROUPS_FULL = 4,
			   CRIU_CGROUPS_STRICT = 5,
} CriuCgroups;

typedef struct CriuPair {
	const char *key, *value;
} CriuPair;

typedef struct CriuPairs {
	CriuPair *items;
	size_t count;
} CriuPairs;

typedef struct CriuFd {
	const char *key;
	int fd; /* of criu's process */
} CriuFd;

typedef struct CriuFds {
	CriuFd *items;
	size_t count;
} CriuFds;

typedef struct CriuOptions {
	int images_fd, work_fd; /* directories, descriptors of ours; work_fd < 0: the images' */
	int pid;                /* whom to dump; 0: nobody */
	const char *log_file, *root, *parent_images, *freeze_group, *config_file, *lsm_profile,
		*lsm_mount_context; /* NULL: none */
	const char *page_address;   /* of a page server; NULL: none */
	unsigned page_port;
	bool leave_running, ext_unix_sk, tcp_established, tcp_skip_in_flight, shell_job, file_locks,
		auto_dedup, lazy_pages, track_memory;
	bool restores; /* the restored process is to be a child of criu's parent, and devices may be opened by any name */
	CriuCgroups cgroups;
	unsigned empty_ns;      /* CLONE_NEW* */
	StrList external;       /* "net[INODE]:KEY", "file[MOUNT:INODE]" */
	CriuPairs mounts;       /* on dump mount point and name, on restore name and source */
	CriuPairs joins;        /* kind of namespace and its path */
	CriuPairs cgroup_roots; /* controllers (NULL: of all) and path */
	CriuFds inherited;
} CriuOptions;

/* A request of the kind; o NULL for CRIU_VERSION and CRIU_FEATURES, which asks for memory tracking and lazy pages. */
PbReader criu_request(CriuKind kind, const CriuOptions *o, Arena *a);

/* The answer to a notification. */
PbReader criu_notified(bool success, Arena *a);

typedef struct CriuResponse {
	CriuKind kind;
	bool success;
	const char *script; /* of a notification: what has happened; NULL: it is none */
	int pid;            /* of the notification, or the restored process; 0: none */
	int number;         /* errno of a failure; 0: none */
	const char *why;    /* of a failure: the first error; NULL: none */
	bool tracks_memory, has_lazy_pages; /* of CRIU_FEATURES */
	unsigned version;                   /* of CRIU_VERSION: 31701 for 3.17.1 */
} CriuResponse;

int criu_response(PbReader text, Arena *a, CriuResponse *ret, Err *e);
