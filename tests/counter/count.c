/* Counts the instructions a program retires under qemu-user.

   At each write of the program to its standard error, and at its end, the count so far goes into the
   file named by the plugin's argument `out`, one per line: the code between two writes cost the
   difference. With `calls=all` there is a line for each system call, for programs that do not write
   to it: the last line is up to date whenever the program waits. The same program on the same input
   gives the same count, up to some hundred instructions if a library hashes with random keys.

   qemu's plugin interface is stable C, but its header is not in Debian's packages; so the parts used
   are declared here, as in qemu-plugin.h of qemu 7.2 to 10. Build with -DVERSION=1 before qemu 9,
   with -DVERSION=2 from there on. */

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_info;

typedef void (*translated)(plugin_id, struct qemu_plugin_tb *);
typedef void (*executed)(unsigned int, void *);
typedef void (*called)(plugin_id, unsigned int, int64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                       uint64_t, uint64_t, uint64_t, uint64_t);
typedef void (*ended)(plugin_id, void *);

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, translated);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, executed, int flags, void *);
void qemu_plugin_register_vcpu_syscall_cb(plugin_id, called);
void qemu_plugin_register_atexit_cb(plugin_id, ended, void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);

__attribute__((visibility("default"))) int qemu_plugin_version = VERSION;

enum { READS_NO_REGISTERS = 0, WRITE = 64, STANDARD_ERROR = 2 };

static uint64_t retired;
static int counts_all_calls;
static FILE *out;

static void on_block(unsigned int cpu, void *instructions) {
    (void)cpu;
    retired += (uintptr_t)instructions;
}

static void on_translation(plugin_id id, struct qemu_plugin_tb *block) {
    (void)id;
    void *instructions = (void *)(uintptr_t)qemu_plugin_tb_n_insns(block);
    qemu_plugin_register_vcpu_tb_exec_cb(block, on_block, READS_NO_REGISTERS, instructions);
}

static void on_call(plugin_id id, unsigned int cpu, int64_t number, uint64_t first, uint64_t b,
                    uint64_t c, uint64_t d, uint64_t e, uint64_t f, uint64_t g, uint64_t h) {
    (void)id, (void)cpu, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g, (void)h;
    if (counts_all_calls || (number == WRITE && first == STANDARD_ERROR)) {
        fprintf(out, "%" PRIu64 "\n", retired);
        fflush(out);
    }
}

static void on_end(plugin_id id, void *data) {
    (void)id, (void)data;
    fprintf(out, "%" PRIu64 "\n", retired);
    fclose(out);
}

__attribute__((visibility("default"))) int
qemu_plugin_install(plugin_id id, const struct qemu_info *info, int count, char **arguments) {
    (void)info;
    for (int i = 0; i < count; i++) {
        if (strncmp(arguments[i], "out=", 4) == 0) {
            out = fopen(arguments[i] + 4, "w");
        } else if (strcmp(arguments[i], "calls=all") == 0) {
            counts_all_calls = 1;
        }
    }
    if (out == NULL) {
        fprintf(stderr, "give out=FILE, a file that can be written\n");
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_vcpu_syscall_cb(id, on_call);
    qemu_plugin_register_atexit_cb(id, on_end, NULL);
    return 0;
}
