/* SPDX-License-Identifier: BSD-2-Clause */
/* netstub.c - the parts of the network layer that follow next: for now their packets are dropped. */
#include <errno.h>
#include "core.h"
#include "arp_acd.h"
#include "eth.h"
#include "icmp4.h"
#include "icmp6.h"
#include "nd.h"
bool eth_is_host_mac(const uint8_t mac[6]) { return !(mac[0] & 1); }
void eth_input(struct stack *st, struct frame *f, struct link *l) { (void)f, (void)l; stat_drop(st, STAT_ETH_DROP_TYPE); }
int eth_output_ip(struct stack *st, struct link *l, struct frame *f, const struct ip_dst *d) { (void)st, (void)l, (void)d; frame_unref(f); return -ENOBUFS; }
void arp_acd_start(struct if_addr *a) { (void)a; }
void nd_dad_start(struct if_addr *a) { (void)a; }
void nd_add_linklocal(struct stack *st, struct link *l) { (void)st, (void)l; }
void icmp4_input(struct stack *st, struct frame *f, const struct ip_rx *rx) { (void)f, (void)rx; stat_drop(st, STAT_ICMP_DROP_TYPE); }
void icmp6_input(struct stack *st, struct frame *f, const struct ip_rx *rx) { (void)f, (void)rx; stat_drop(st, STAT_ICMP_DROP_TYPE); }
void icmp4_send_unreachable(struct stack *st, const struct frame *f, const struct ip_rx *rx, uint8_t code) { (void)st, (void)f, (void)rx, (void)code; }
void icmp4_send_parameter_problem(struct stack *st, const struct frame *f, const struct ip_rx *rx, uint8_t pointer) { (void)st, (void)f, (void)rx, (void)pointer; }
void icmp6_send_error(struct stack *st, const struct frame *f, const struct ip_rx *rx, uint8_t type, uint8_t code, uint32_t param) { (void)st, (void)f, (void)rx, (void)type, (void)code, (void)param; }
void icmp_send_port_unreachable(struct stack *st, const struct frame *f, const struct ip_rx *rx) { (void)st, (void)f, (void)rx; }
struct frame *reasm_input(struct stack *st, struct frame *f, const struct reasm_fragment *frag, struct reasm_result *res) { (void)f, (void)frag, (void)res; stat_drop(st, STAT_REASM_DROP_MEMORY); return NULL; }
