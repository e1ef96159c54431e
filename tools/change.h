/* SPDX-License-Identifier: BSD-2-Clause */
/* change.h - what tapir addr, route, neigh and maddr do but show: the words of ip(8), read and sent to the daemon; and tapir reload. */
#ifndef TAPIR_TOOLS_CHANGE_H
#define TAPIR_TOOLS_CHANGE_H

#include "client-lib/protocol.h"
#include "tools/tool.h"

enum change_verb { CHANGE_SHOW, CHANGE_MAKE, CHANGE_FLUSH, CHANGE_GET };

/* What the first word asks for (NULL: to show). A word that is no verb for this @kind is named, and ends the program (EX_USAGE). */
enum change_verb change_verb(const struct tool *t, enum tapir_change_kind kind, const char *word);

/** change_parse - read "add|del|... WHAT [KEYWORD VALUE]..." of @kind, ending in NULL. A mistake is named, with what was expected, and ends
 * the program (EX_USAGE). @is_ip6: "default" without a router means IPv6's. */
struct tapir_change change_parse(const struct tool *t, enum tapir_change_kind kind, char *const *words, bool is_ip6);

/* The same for "get ADDRESS [from ADDRESS] [dev LINK]". */
struct tapir_route_req change_parse_get(const struct tool *t, char *const *words);

/* ADDRESS, PREFIX or "default", as c->kind has it, into @c. @is_ip6 as above. */
void change_read_object(const struct tool *t, struct tapir_change *c, const char *word, bool is_ip6);

/* A link's name into *to; another than what is there already is a mistake. */
void change_read_ifname(const struct tool *t, const char *word, char to[16]);

/* Ask the daemon for it; what it refuses is said, and ends the program. Returns the exit status. */
int change_make(const struct tool *t, const struct tapir_change *c);

#endif
