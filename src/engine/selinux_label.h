/* selinux_label.h - --security-opt label=: SELinux labels of a container.                        (engine/)
 *
 * A container without this option has no label of ours: the command keeps mydocker's own. With it, labels begin as the host's policy has
 * them for containers (lxc_contexts), with two categories that come from the container's id, so that containers are kept apart;
 * then the option's words replace single fields.
 * Input:     the option's words were looked at by the command line (selinux_word_check()); the policy's files are the host's.
 * Source:    lxc_contexts(5), selinux_config(5); go-selinux, which docker and podman use.
 */
#pragma once
#include "engine/spec_fill.h"

typedef struct SelinuxLabels {
	const char *process, *mount; /* NULL: none */
} SelinuxLabels;

/* Checks one word, such as "type:container_t". ERR_USAGE says what is wrong with it. */
int selinux_word_check(const char *word, Err *e);

/* The labels for a request. ERR_USAGE when one is asked for and the host has no SELinux. */
int selinux_labels_make(const RunContext *c, SelinuxLabels *ret, Err *e);

/* Gives the label to the files that the container's directory holds for it (network_files.h). */
int selinux_files_label(int dir, const char *label, Err *e);

/* The same as selinux_labels_make() from the text of lxc_contexts and the container's id: pure. */
int selinux_labels_from(const char *contexts, const StrList *words, const char *id, Arena *a,
			SelinuxLabels *ret, Err *e);
