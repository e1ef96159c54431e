/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/tcp_info.h"

#include <stdint.h>
#include <string.h>

#include "tools/json.h"
#include "tools/text.h"

/* Values at which Linux leaves something out: defaults, "none". */
enum {
	SSTHRESH_INFINITE = 0xffff,
	STATE_LISTEN = 10, /* TCP_LISTEN of <netinet/tcp.h>, which cannot be included beside <linux/tcp.h> */
	REORDERING_DEFAULT = 3,
};

struct tcp_info tcp_info_read(const void *data, size_t bytes)
{
	struct tcp_info ti;

	memset(&ti, 0, sizeof(ti));
	memcpy(&ti, data, bytes < sizeof(ti) ? bytes : sizeof(ti));
	return ti;
}

static void put(FILE *f, const char *name, uint64_t v)
{
	if (v)
		fprintf(f, " %s:%llu", name, (unsigned long long)v);
}

static void put_ms(FILE *f, const char *name, uint32_t us)
{
	if (us)
		fprintf(f, " %s:%g", name, us / 1000.0);
}

static void put_rate(FILE *f, const char *name, double bytes_per_s, bool exact)
{
	char buf[TEXT_SHORT_MAX];

	if (bytes_per_s > 0)
		fprintf(f, " %s %sbps", name, text_rate(bytes_per_s * 8, exact, buf));
}

static void put_options(FILE *f, const struct tcp_info *ti, const char *cong)
{
	uint8_t o = ti->tcpi_options;

	if (o & TCPI_OPT_TIMESTAMPS)
		fputs(" ts", f);
	if (o & TCPI_OPT_SACK)
		fputs(" sack", f);
	if (o & TCPI_OPT_ECN)
		fputs(" ecn", f);
	if (o & TCPI_OPT_ECN_SEEN)
		fputs(" ecnseen", f);
	if (o & TCPI_OPT_SYN_DATA)
		fputs(" fastopen", f);
	if (cong[0])
		fprintf(f, " %s", cong);
	if (o & TCPI_OPT_WSCALE)
		fprintf(f, " wscale:%u,%u", ti->tcpi_snd_wscale, ti->tcpi_rcv_wscale);
}

static void put_times_and_sizes(FILE *f, const struct tcp_info *ti)
{
	put_ms(f, "rto", ti->tcpi_rto);
	put(f, "backoff", ti->tcpi_backoff);
	if (ti->tcpi_rtt)
		fprintf(f, " rtt:%g/%g", ti->tcpi_rtt / 1000.0, ti->tcpi_rttvar / 1000.0);
	put_ms(f, "ato", ti->tcpi_ato);
	put(f, "mss", ti->tcpi_snd_mss);
	put(f, "pmtu", ti->tcpi_pmtu);
	put(f, "rcvmss", ti->tcpi_rcv_mss);
	put(f, "advmss", ti->tcpi_advmss);
	put(f, "cwnd", ti->tcpi_snd_cwnd);
	if (ti->tcpi_snd_ssthresh < SSTHRESH_INFINITE)
		put(f, "ssthresh", ti->tcpi_snd_ssthresh);
}

static void put_traffic(FILE *f, const struct tcp_info *ti)
{
	put(f, "bytes_sent", ti->tcpi_bytes_sent);
	put(f, "bytes_retrans", ti->tcpi_bytes_retrans);
	put(f, "bytes_acked", ti->tcpi_bytes_acked);
	put(f, "bytes_received", ti->tcpi_bytes_received);
	put(f, "segs_out", ti->tcpi_segs_out);
	put(f, "segs_in", ti->tcpi_segs_in);
	put(f, "data_segs_out", ti->tcpi_data_segs_out);
	put(f, "data_segs_in", ti->tcpi_data_segs_in);
}

static void put_rates(FILE *f, const struct tcp_info *ti, bool exact)
{
	if (ti->tcpi_rtt) /* what the window allows in a round trip */
		put_rate(f, "send", (double)ti->tcpi_snd_cwnd * ti->tcpi_snd_mss * 1e6 / ti->tcpi_rtt, exact);
	put(f, "lastsnd", ti->tcpi_last_data_sent);
	put(f, "lastrcv", ti->tcpi_last_data_recv);
	put(f, "lastack", ti->tcpi_last_ack_recv);
	if (ti->tcpi_pacing_rate != UINT64_MAX) { /* no pacing */
		char buf[TEXT_SHORT_MAX];

		put_rate(f, "pacing_rate", (double)ti->tcpi_pacing_rate, exact);
		if (ti->tcpi_pacing_rate && ti->tcpi_max_pacing_rate && ti->tcpi_max_pacing_rate != UINT64_MAX)
			fprintf(f, "/%sbps", text_rate((double)ti->tcpi_max_pacing_rate * 8, exact, buf));
	}
	put_rate(f, "delivery_rate", (double)ti->tcpi_delivery_rate, exact);
	put(f, "delivered", ti->tcpi_delivered);
	put(f, "delivered_ce", ti->tcpi_delivered_ce);
	if (ti->tcpi_delivery_rate_app_limited)
		fputs(" app_limited", f);
}

static void put_limited(FILE *f, const char *name, uint64_t us, uint64_t busy_us)
{
	if (us)
		fprintf(f, " %s:%llums(%.1f%%)", name, (unsigned long long)us / 1000, 100.0 * (double)us / (double)busy_us);
}

static void put_busy(FILE *f, const struct tcp_info *ti)
{
	if (!ti->tcpi_busy_time)
		return;
	fprintf(f, " busy:%llums", (unsigned long long)ti->tcpi_busy_time / 1000);
	put_limited(f, "rwnd_limited", ti->tcpi_rwnd_limited, ti->tcpi_busy_time);
	put_limited(f, "sndbuf_limited", ti->tcpi_sndbuf_limited, ti->tcpi_busy_time);
}

static void put_recovery(FILE *f, const struct tcp_info *ti)
{
	if (ti->tcpi_state == STATE_LISTEN) /* its queue and backlog are in these fields: the columns show them */
		return;
	put(f, "unacked", ti->tcpi_unacked);
	if (ti->tcpi_retrans || ti->tcpi_total_retrans)
		fprintf(f, " retrans:%u/%u", ti->tcpi_retrans, ti->tcpi_total_retrans);
	put(f, "lost", ti->tcpi_lost);
	put(f, "sacked", ti->tcpi_sacked);
	put(f, "dsack_dups", ti->tcpi_dsack_dups);
	put(f, "fackets", ti->tcpi_fackets);
	if (ti->tcpi_reordering != REORDERING_DEFAULT)
		put(f, "reordering", ti->tcpi_reordering);
	put(f, "reord_seen", ti->tcpi_reord_seen);
}

static void put_receiver(FILE *f, const struct tcp_info *ti)
{
	put_ms(f, "rcv_rtt", ti->tcpi_rcv_rtt);
	put(f, "rcv_space", ti->tcpi_rcv_space);
	put(f, "rcv_ssthresh", ti->tcpi_rcv_ssthresh);
	put(f, "notsent", ti->tcpi_notsent_bytes);
	if (ti->tcpi_min_rtt != UINT32_MAX) /* no sample yet */
		put_ms(f, "minrtt", ti->tcpi_min_rtt);
	put(f, "rcv_ooopack", ti->tcpi_rcv_ooopack);
	put(f, "snd_wnd", ti->tcpi_snd_wnd);
}

void tcp_info_print(FILE *f, const struct tcp_info *ti, const char *cong, bool exact_rates)
{
	put_options(f, ti, cong);
	put_times_and_sizes(f, ti);
	put_traffic(f, ti);
	put_rates(f, ti, exact_rates);
	put_busy(f, ti);
	put_recovery(f, ti);
	put_receiver(f, ti);
}

/* ---- JSON ---- */

struct member {
	const char *name;
	uint16_t offset;
	uint8_t bytes;
};

#define MEMBER(name) { #name, offsetof(struct tcp_info, tcpi_##name), sizeof(((struct tcp_info *)0)->tcpi_##name) }

static const struct member members[] = {
	MEMBER(state), MEMBER(ca_state), MEMBER(retransmits), MEMBER(probes), MEMBER(backoff), MEMBER(options),
	MEMBER(rto), MEMBER(ato), MEMBER(snd_mss), MEMBER(rcv_mss),
	MEMBER(unacked), MEMBER(sacked), MEMBER(lost), MEMBER(retrans), MEMBER(fackets),
	MEMBER(last_data_sent), MEMBER(last_ack_sent), MEMBER(last_data_recv), MEMBER(last_ack_recv),
	MEMBER(pmtu), MEMBER(rcv_ssthresh), MEMBER(rtt), MEMBER(rttvar), MEMBER(snd_ssthresh), MEMBER(snd_cwnd),
	MEMBER(advmss), MEMBER(reordering), MEMBER(rcv_rtt), MEMBER(rcv_space), MEMBER(total_retrans),
	MEMBER(pacing_rate), MEMBER(max_pacing_rate), MEMBER(bytes_acked), MEMBER(bytes_received),
	MEMBER(segs_out), MEMBER(segs_in), MEMBER(notsent_bytes), MEMBER(min_rtt),
	MEMBER(data_segs_in), MEMBER(data_segs_out), MEMBER(delivery_rate),
	MEMBER(busy_time), MEMBER(rwnd_limited), MEMBER(sndbuf_limited), MEMBER(delivered), MEMBER(delivered_ce),
	MEMBER(bytes_sent), MEMBER(bytes_retrans), MEMBER(dsack_dups), MEMBER(reord_seen), MEMBER(rcv_ooopack),
	MEMBER(snd_wnd),
};

static uint64_t read_member(const struct tcp_info *ti, const struct member *m)
{
	const char *at = (const char *)ti + m->offset;
	uint8_t v1;
	uint32_t v4;
	uint64_t v8;

	switch (m->bytes) {
	case 1:
		memcpy(&v1, at, 1);
		return v1;
	case 4:
		memcpy(&v4, at, 4);
		return v4;
	default:
		memcpy(&v8, at, 8);
		return v8;
	}
}

json_t *tcp_info_json(const struct tcp_info *ti)
{
	json_t *o = json_object();

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		json_object_set_new(o, members[i].name, json_u64(read_member(ti, &members[i])));
	json_object_set_new(o, "snd_wscale", json_integer(ti->tcpi_snd_wscale));
	json_object_set_new(o, "rcv_wscale", json_integer(ti->tcpi_rcv_wscale));
	json_object_set_new(o, "delivery_rate_app_limited", json_boolean(ti->tcpi_delivery_rate_app_limited));
	json_object_set_new(o, "fastopen_client_fail", json_integer(ti->tcpi_fastopen_client_fail));
	return o;
}
