/* words.h - what registries say when they refuse, in the words that users of docker know.    (fetch/, may include base fmt kern)
 *
 * Input:     HOSTILE: the answer's text is cut, and control characters are replaced.
 * Source:    distribution-spec "Error Codes": {"errors": [{"code", "message", "detail"}]}; docker shows the code in small letters, then the message.
 */
#pragma once
#include "base/err.h"
#include "fetch/call.h"

/* Fills *e from an answer that is no success: "manifest unknown", "GET https://...: status 500". Kind and errno follow from the status.
 * Returns what err_make() would. */
int words_of_answer(Call *c, Exchange *x, Err *e);

/* From an exchange that has no answer. */
int words_of_failure(Call *c, Exchange *x, Err *e);
