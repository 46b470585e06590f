/* replay.h - runs a fuzz target over its corpus, in builds without a fuzzer.                  (tests/fuzz/) */
#pragma once
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Gives each file of the folder to target, in a buffer of exactly its size so that a sanitizer sees a byte too far. Returns how many
 * there were; 0 when the folder cannot be read. */
static inline size_t replay_folder(const char *folder, int (*target)(const uint8_t *, size_t))
{
	char path[4096];
	size_t files = 0;
	DIR *dir = opendir(folder);
	for (struct dirent *d; dir && (d = readdir(dir));) {
		if (d->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof path, "%s/%s", folder, d->d_name); /* too long a path does not open */
		FILE *f = fopen(path, "re");
		if (!f)
			continue;
		(void)fseek(f, 0, SEEK_END); /* a pipe would give -1 below */
		long size = ftell(f);
		rewind(f);
		uint8_t *data = size >= 0 ? malloc((size_t)size) : NULL;
		if (data || size == 0) {
			size_t got = fread(data, 1, (size_t)size, f);
			(void)target(data, got); /* it aborts when it finds something */
			files++;
		}
		free(data);
		(void)fclose(f); /* only read */
	}
	if (dir)
		(void)closedir(dir);
	return files;
}
