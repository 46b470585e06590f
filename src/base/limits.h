/* limits.h - every limit on input, in one place.                                            (base/, used by all) */
#pragma once

#define LIMIT_CONFIG_BYTES   (4u << 20)  /* a config.json */
#define LIMIT_DEFAULTS_BYTES (1u << 20)  /* a configuration file with defaults of options */
#define LIMIT_SECCOMP_BYTES  (1u << 20)  /* a profile of system calls; docker's has 16 KiB */
#define LIMIT_JSON_DEPTH     64u         /* nested arrays and objects */
#define LIMIT_MOUNTS         1024u       /* mounts of one container */
#define LIMIT_PASSWD_BYTES   (1u << 20)  /* /etc/passwd and /etc/group of a root */
#define LIMIT_ENV_FILE_BYTES (1u << 20)  /* one --env-file or --label-file */
#define LIMIT_RECORD_BYTES   (1u << 20)  /* a record.json, which holds labels and annotations */
#define LIMIT_ID_MAPS        340u        /* lines of a uid_map (user_namespaces(7), since 4.15) */
#define LIMIT_WIRE_BYTES     (16u << 20) /* a whole wire plan, arguments and environment included */
#define LIMIT_HOOKS          256u        /* hooks of one kind */
#define LIMIT_HOST_NAME      64u         /* HOST_NAME_MAX, uts_namespaces(7) */
#define LIMIT_NAME           128u        /* a container's name */
#define LIMIT_NET_DEVICES    256u        /* network devices that are moved into one container */
#define LIMIT_GROUPS         1024u       /* supplementary groups */
#define LIMIT_TREE_DEPTH     256u  /* directories in one another, where each costs a descriptor */
#define LIMIT_CPUS           8192u /* numbers of CPUs in a list; the kernel's own limit */
#define LIMIT_MEMORY_NODES   1024u /* numbers of memory nodes in a list; the same */

/* of images */
#define LIMIT_REPOSITORY      255u /* a name without tag and digest, as docker and registries have it */
#define LIMIT_TAG             128u         /* distribution-spec, "Pulling manifests" */
#define LIMIT_MANIFEST_BYTES  (4u << 20)   /* a manifest or index, as registries limit it */
#define LIMIT_LAYERS          512u         /* what overlayfs takes */
#define LIMIT_LAYER_BYTES     (1ull << 40) /* of one layer, compressed or not */
#define LIMIT_LAYER_ENTRIES   (1u << 24)   /* files and all else in one layer */
#define LIMIT_INDEX_MANIFESTS 4096u        /* images in one index */
#define LIMIT_HISTORY         4096u        /* steps by which an image says it was made */
#define LIMIT_TAR_PATH        4095u        /* of an archive's entry, as the kernel limits paths */
#define LIMIT_TAR_EXTRA_BYTES \
	(2u << 20)              /* extended headers of one entry, with its extended attributes */
#define LIMIT_TAR_XATTRS 1024u  /* of one entry */
#define LIMIT_TAR_SPANS  65536u /* of one sparse file */

/* of registries */
#define LIMIT_TOKEN_BYTES   (1u << 20)  /* an answer of a token server */
#define LIMIT_HEADER_BYTES  (64u << 10) /* all headers of one answer */
#define LIMIT_TAGS_BYTES    (16u << 20) /* a repository's tags, all pages together */
#define LIMIT_URL           (16u << 10) /* a place that a registry sends us to */
#define LIMIT_REDIRECTS     5u          /* in a row */
#define LIMIT_RETRY_SECONDS 60u         /* that a registry may have us wait */
#define LIMIT_AUTH_BYTES    (1u << 20)  /* a file with credentials, or a helper's answer */
#define LIMIT_MIRRORS       16u         /* of one registry */
