/* log.h - notes, warnings and debug lines on stderr.                                          (base/)
 *
 * Errors are not logged: they are returned (err.h) and printed once by main. Lines begin with the program's name; control characters
 * in them are replaced by '?'. Level, name and sink are file-level variables, of which there are few.
 */
#pragma once
#include <stdbool.h>

void log_set_program(const char *name); /* static; "mydocker" if nobody says another */
void log_set_debug(bool on);            /* --debug */
bool log_is_debug(void);
/* Takes warnings ("warning") and debug lines ("debug") in place of standard error; text is one line without its newline. */
typedef void LogSink(void *arg, const char *level, const char *text);
void log_set_sink(LogSink *fn, void *arg); /* NULL: standard error */

void log_note(const char *fmt, ...)
	__attribute__((format(printf, 1, 2))); /* without a level word: news, not trouble */
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
