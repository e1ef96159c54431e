/* SPDX-License-Identifier: BSD-2-Clause */
/* print_dns.c - DNS servers and search domains, in the words of resolv.conf(5). */
#include "tools/json.h"
#include "tools/print.h"
#include "tools/text.h"

void dns_print(FILE *f, const struct tapir_dns_rec *records, size_t n)
{
	char addr[TEXT_ADDR_MAX], name[TEXT_SHORT_MAX], domain[sizeof(records->domain)];

	for (size_t i = 0; i < n; i++) {
		const struct tapir_dns_rec *r = &records[i];

		if (r->server.family)
			fprintf(f, "nameserver %s", text_addr(&r->server, addr));
		else
			fprintf(f, "search %s", text_field(r->domain, sizeof(r->domain), domain, sizeof(domain)));
		fprintf(f, " dev %s", text_field(r->ifname, sizeof(r->ifname), name, sizeof(name)));
		fprintf(f, " proto %s", text_field(r->origin, sizeof(r->origin), name, sizeof(name)));
		if (r->lifetime_s != UINT32_MAX)
			fprintf(f, " expires %us", r->lifetime_s);
		fputc('\n', f);
	}
}

json_t *dns_json(const struct tapir_dns_rec *records, size_t n)
{
	json_t *list = json_array();
	char addr[TEXT_ADDR_MAX];

	for (size_t i = 0; i < n; i++) {
		const struct tapir_dns_rec *r = &records[i];
		json_t *o = json_object();

		if (r->server.family)
			json_set_text(o, "server", text_addr(&r->server, addr));
		else
			json_set_field(o, "domain", r->domain, sizeof(r->domain));
		json_set_field(o, "dev", r->ifname, sizeof(r->ifname));
		json_set_int(o, "ifindex", r->ifindex);
		json_set_field(o, "origin", r->origin, sizeof(r->origin));
		if (r->lifetime_s != UINT32_MAX)
			json_set_int(o, "lifetime_s", r->lifetime_s);
		json_array_append_new(list, o);
	}
	return list;
}
