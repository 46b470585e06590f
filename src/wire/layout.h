/* layout.h - what only the writer and the reader of a wire plan share.                  (wire/, private to it) */
#pragma once

#define WIRE_MAGIC \
	"MYDOCKR\1" /* 8 bytes; the last one counts layouts that build ids alone would not tell apart */
