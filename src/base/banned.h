/* banned.h - functions that this project does not use, made compile errors; force-included everywhere.   (base/)
 *
 * Each has a safe counterpart: strings are built with str_format() or in an arena, numbers are read with num_parse_*(),
 * descriptors are duplicated with F_DUPFD_CLOEXEC, and only the command line decides to end the process.
 */
#pragma once
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#undef basename /* glibc's macro would be poisoned, not the function */
#undef sprintf  /* the same, from its fortified <stdio.h> */
#undef vsprintf
#pragma GCC poison strcpy strcat sprintf vsprintf strtok strtok_r gets
#pragma GCC poison atoi atol atoll strtol strtoul strtoll strtoull
#pragma GCC poison system popen readdir_r basename dirname mktemp tmpnam tempnam
