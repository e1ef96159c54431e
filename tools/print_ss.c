/* SPDX-License-Identifier: BSD-2-Clause */
/* print_ss.c - sockets in the columns of Linux's ss(8). */
#include "tools/print.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tools/json.h"
#include "tools/tcp_info.h"
#include "tools/text.h"

enum { STATE_TEXT_MAX = 17, HOST_TEXT_MAX = TEXT_ADDR_MAX + 24, PORT_TEXT_MAX = 40 };

/* In the order in which they are shown. */
enum kind { KIND_TCP, KIND_UDP, KIND_RAW, KIND_PING };

static enum kind kind_of(const struct tapir_sock_rec *r)
{
	switch (r->type) {
	case SOCK_STREAM:
		return KIND_TCP;
	case SOCK_RAW:
		return KIND_RAW;
	default:
		return r->protocol == IPPROTO_ICMP || r->protocol == IPPROTO_ICMPV6 ? KIND_PING : KIND_UDP;
	}
}

static const char *netid(const struct tapir_sock_rec *r)
{
	static const char *const names[] = { "tcp", "udp", "raw", "icmp" };

	return names[kind_of(r)];
}

static const char *state_text(const struct tapir_sock_rec *r, char buf[STATE_TEXT_MAX])
{
	return text_field(r->state, sizeof(r->state), buf, STATE_TEXT_MAX);
}

static const char *timer_name(uint32_t kind)
{
	static const char *const names[] = { "off", "on", "keepalive", "timewait", "persist" };

	return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}

/* ---- Which, and in which order ---- */

static bool wants_kind(const struct ss_view *v, enum kind k)
{
	if (!v->tcp && !v->udp && !v->raw)
		return true;
	return k == KIND_TCP ? v->tcp : k == KIND_UDP ? v->udp : v->raw;
}

static bool wants_state(const struct ss_view *v, const char *state)
{
	bool is_listening = !strcmp(state, "LISTEN") || !strcmp(state, "UNCONN");

	if (v->all)
		return true;
	if (v->listening)
		return is_listening;
	return !is_listening && strcmp(state, "TIME-WAIT") && strcmp(state, "SYN-RECV");
}

static bool wants(const struct ss_view *v, const struct tapir_sock_rec *r)
{
	char state[STATE_TEXT_MAX];

	if ((v->ip4 || v->ip6) && !(r->local.family == AF_INET6 ? v->ip6 : v->ip4))
		return false;
	return wants_kind(v, kind_of(r)) && wants_state(v, state_text(r, state));
}

static int compare_addr(const struct tapir_addr *a, const struct tapir_addr *b)
{
	int d = memcmp(a->addr, b->addr, sizeof(a->addr));

	if (d)
		return d;
	return a->port < b->port ? -1 : a->port > b->port;
}

static int compare(const void *pa, const void *pb)
{
	const struct tapir_sock_rec *a = pa, *b = pb;
	int d = (int)kind_of(a) - (int)kind_of(b);

	if (!d)
		d = compare_addr(&a->local, &b->local);
	if (!d)
		d = compare_addr(&a->remote, &b->remote);
	return d ? d : (a->id < b->id ? -1 : a->id > b->id);
}

size_t ss_select(struct tapir_sock_rec *recs, size_t n, const struct ss_view *view)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (wants(view, &recs[i]))
			recs[kept++] = recs[i];
	qsort(recs, kept, sizeof(*recs), compare);
	return kept;
}

/* ---- Text ---- */

static const char *link_name(const struct ss_view *v, uint32_t ifindex, char buf[TEXT_SHORT_MAX])
{
	for (size_t i = 0; i < v->link_count; i++)
		if (v->links[i].ifindex == ifindex)
			return text_field(v->links[i].name, sizeof(v->links[i].name), buf, TEXT_SHORT_MAX);
	snprintf(buf, TEXT_SHORT_MAX, "%u", ifindex);
	return buf;
}

static void print_host(const struct tapir_addr *a, const struct ss_view *v, char out[HOST_TEXT_MAX])
{
	char addr[TEXT_ADDR_MAX], scope[TEXT_SHORT_MAX] = "";
	bool brackets = a->family == AF_INET6;

	if (a->scope_id)
		link_name(v, a->scope_id, scope);
	snprintf(out, HOST_TEXT_MAX, "%s%s%s%s%s", brackets ? "[" : "", text_addr(a, addr), a->scope_id ? "%" : "", scope,
		 brackets ? "]" : "");
}

static void print_port(const struct tapir_sock_rec *r, uint16_t port, const struct ss_view *v, char out[PORT_TEXT_MAX])
{
	struct servent *service = NULL;
	struct protoent *protocol = NULL;

	if (kind_of(r) == KIND_RAW) { /* a raw socket's "port" is its protocol */
		if (!v->numeric)
			protocol = getprotobynumber(r->protocol);
		if (protocol)
			snprintf(out, PORT_TEXT_MAX, "%s", protocol->p_name);
		else
			snprintf(out, PORT_TEXT_MAX, "%d", r->protocol);
		return;
	}
	if (!port) {
		snprintf(out, PORT_TEXT_MAX, "*");
		return;
	}
	if (!v->numeric && kind_of(r) != KIND_PING)
		service = getservbyport(htons(port), netid(r));
	if (service)
		snprintf(out, PORT_TEXT_MAX, "%s", service->s_name);
	else
		snprintf(out, PORT_TEXT_MAX, "%u", port);
}

/* Both ends of a socket as text. A socket without a peer shows the family's wildcard, and port "*". */
struct ends {
	char local[HOST_TEXT_MAX], local_port[PORT_TEXT_MAX];
	char peer[HOST_TEXT_MAX], peer_port[PORT_TEXT_MAX];
};

static void print_ends(const struct tapir_sock_rec *r, const struct ss_view *v, struct ends *e)
{
	struct tapir_addr none = { .family = r->local.family };
	bool has_peer = r->remote.family != 0;

	print_host(&r->local, v, e->local);
	print_port(r, r->local.port, v, e->local_port);
	print_host(has_peer ? &r->remote : &none, v, e->peer);
	if (has_peer && r->remote.port)
		print_port(r, r->remote.port, v, e->peer_port);
	else
		strcpy(e->peer_port, "*");
}

struct widths {
	int state, local, local_port, peer, peer_port;
	bool netid;
};

static void widen(int *w, const char *text)
{
	int n = (int)strlen(text);

	if (*w < n)
		*w = n;
}

static struct widths measure(const struct tapir_sock_rec *recs, size_t n, const struct ss_view *v)
{
	struct widths w = { .state = 6, .local = 13, .local_port = 4, .peer = 12, .peer_port = 4 }; /* the titles' */
	char state[STATE_TEXT_MAX];
	struct ends e;

	w.netid = v->tcp + v->udp + v->raw != 1;
	for (size_t i = 0; i < n; i++) {
		print_ends(&recs[i], v, &e);
		widen(&w.state, state_text(&recs[i], state));
		widen(&w.local, e.local);
		widen(&w.local_port, e.local_port);
		widen(&w.peer, e.peer);
		widen(&w.peer_port, e.peer_port);
	}
	return w;
}

static void print_process(FILE *f, const struct tapir_sock_rec *r, const struct ss_view *v)
{
	char name[64];

	if (!r->pid)
		return;
	if (v->process_name && v->process_name(r->pid, name, sizeof(name)))
		fprintf(f, " users:((\"%s\",pid=%d))", name, r->pid);
	else
		fprintf(f, " users:((pid=%d))", r->pid);
}

static void print_timer(FILE *f, const struct tapir_sock_rec *r)
{
	char buf[TEXT_SHORT_MAX];

	if (r->timer_kind)
		fprintf(f, " timer:(%s,%s,%u)", timer_name(r->timer_kind), text_timer(r->timer_ms, buf), r->retransmits);
}

static void print_socket(FILE *f, const struct tapir_sock_rec *r, const struct ss_view *v, const struct widths *w)
{
	char state[STATE_TEXT_MAX], cong[32];
	struct tcp_info ti;
	struct ends e;

	print_ends(r, v, &e);
	if (w->netid)
		fprintf(f, "%-5s ", netid(r));
	fprintf(f, "%-*s %-6u %-6u %*s:%-*s %*s:%-*s", w->state, state_text(r, state), r->recv_q, r->send_q, w->local,
		e.local, w->local_port, e.local_port, w->peer, e.peer, w->peer_port, e.peer_port);
	if (v->processes)
		print_process(f, r, v);
	if (v->timers)
		print_timer(f, r);
	if (v->extended)
		fprintf(f, " uid:%u id:%016llx", r->uid, (unsigned long long)r->id);
	if (v->info && r->tcp_info_bytes) {
		ti = tcp_info_read(r->tcp_info,
				   r->tcp_info_bytes < sizeof(r->tcp_info) ? r->tcp_info_bytes : sizeof(r->tcp_info));
		fputs(v->oneline ? "" : "\n\t", f);
		tcp_info_print(f, &ti, text_field(r->cong, sizeof(r->cong), cong, sizeof(cong)), v->numeric);
	}
	fputc('\n', f);
}

void ss_print(FILE *f, const struct tapir_sock_rec *recs, size_t n, const struct ss_view *view)
{
	struct widths w = measure(recs, n, view);

	if (!view->no_header)
		fprintf(f, "%s%-*s %-6s %-6s %*s:%-*s %*s:%-*s%s\n", w.netid ? "Netid " : "", w.state, "State", "Recv-Q",
			"Send-Q", w.local, "Local Address", w.local_port, "Port", w.peer, "Peer Address", w.peer_port,
			"Port", view->processes ? " Process" : "");
	for (size_t i = 0; i < n; i++)
		print_socket(f, &recs[i], view, &w);
}

/* ---- JSON ---- */

static json_t *end_json(const struct tapir_sock_rec *r, const struct tapir_addr *a, const struct ss_view *v)
{
	struct tapir_addr none = { .family = r->local.family };
	char addr[TEXT_ADDR_MAX], scope[TEXT_SHORT_MAX];
	json_t *o = json_object();

	if (!a->family) /* no peer: the wildcard and port 0 */
		a = &none;
	json_set_text(o, "address", text_addr(a, addr));
	json_set_int(o, "port", a->port);
	json_set_text(o, "scope", a->scope_id ? link_name(v, a->scope_id, scope) : NULL);
	return o;
}

static json_t *timer_json(const struct tapir_sock_rec *r)
{
	json_t *o;

	if (!r->timer_kind)
		return json_null();
	o = json_object();
	json_set_text(o, "kind", timer_name(r->timer_kind));
	json_set_int(o, "ms", r->timer_ms);
	json_set_int(o, "retransmits", r->retransmits);
	return o;
}

static json_t *tcp_json(const struct tapir_sock_rec *r)
{
	struct tcp_info ti;

	if (!r->tcp_info_bytes)
		return json_null();
	ti = tcp_info_read(r->tcp_info, r->tcp_info_bytes < sizeof(r->tcp_info) ? r->tcp_info_bytes : sizeof(r->tcp_info));
	return tcp_info_json(&ti);
}

static json_t *socket_json(const struct tapir_sock_rec *r, const struct ss_view *v)
{
	char state[STATE_TEXT_MAX], id[17];
	json_t *o = json_object();

	snprintf(id, sizeof(id), "%016llx", (unsigned long long)r->id);
	json_set_text(o, "netid", netid(r));
	json_set_text(o, "family", r->local.family == AF_INET6 ? "inet6" : "inet");
	json_set_int(o, "protocol", r->protocol);
	json_set_text(o, "state", state_text(r, state));
	json_set_int(o, "recv_q", r->recv_q);
	json_set_int(o, "send_q", r->send_q);
	json_object_set_new(o, "local", end_json(r, &r->local, v));
	json_object_set_new(o, "peer", end_json(r, &r->remote, v));
	json_object_set_new(o, "timer", timer_json(r));
	json_set_int_or_null(o, "pid", r->pid, r->pid);
	json_set_int(o, "uid", r->uid);
	json_set_text(o, "id", id);
	json_set_field(o, "cong", r->cong, sizeof(r->cong));
	json_object_set_new(o, "tcp_info", tcp_json(r));
	return o;
}

json_t *ss_json(const struct tapir_sock_rec *recs, size_t n, const struct ss_view *view)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, socket_json(&recs[i], view));
	return list;
}
