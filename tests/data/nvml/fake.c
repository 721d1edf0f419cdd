/* A management library that says what $FAKE_NVML tells it: driver=550.54.15;cuda=12040;gpus=NVIDIA L4:8.9,...
 * mode=hang|crash|mismatch|NUMBER (what nvmlInit_v2 returns); count=NUMBER (what nvmlDeviceGetCount_v2 returns);
 * wait=SECONDS before nvmlInit_v2 answers. A GPU NAME:CAPABILITY:mig has MIG on and no device, :mig1 has one, :mig2 two;
 * :handleN and :capabilityN make that call return N; :fabricN is the state of the fabric. Device n has the UUID GPU-n. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char value[1024];

static const char *field(const char *name) {
    const char *text = getenv("FAKE_NVML");
    size_t length = strlen(name);
    while (text && *text) {
        const char *end = strchr(text, ';');
        size_t size = end ? (size_t)(end - text) : strlen(text);
        if (size > length && !strncmp(text, name, length) && text[length] == '=' && size - length < sizeof value) {
            memcpy(value, text + length + 1, size - length - 1);
            value[size - length - 1] = 0;
            return value;
        }
        text = end ? end + 1 : NULL;
    }
    return "";
}

static int gpu(long wanted, char *out) {
    char *rest = NULL;
    char list[1024];
    strcpy(list, field("gpus"));
    long number = 0;
    for (char *each = strtok_r(list, ",", &rest); each; each = strtok_r(NULL, ",", &rest), number++)
        if (number == wanted) {
            strcpy(out, each);
            return 1;
        }
    return wanted < 0 ? (int)number : 0;
}

/* The number behind a word of a GPU, "handle15" -> 15; `otherwise` without that word. */
static int told(long device, const char *word, int otherwise) {
    char text[256] = "";
    gpu(device - 1, text);
    const char *at = strstr(text, word);
    return at ? atoi(at + strlen(word)) : otherwise;
}

int nvmlInit_v2(void) {
    const char *mode = field("mode");
    if (!strcmp(mode, "hang")) for (;;) sleep(1);
    if (!strcmp(mode, "crash")) *(volatile int *)0 = 1;
    if (!strcmp(mode, "mismatch")) return 18;
    if (*mode >= '0' && *mode <= '9') return atoi(mode);
    sleep(atoi(field("wait")));
    return 0;
}
int nvmlShutdown(void) { return 0; }
int nvmlSystemGetDriverVersion(char *out, unsigned size) { snprintf(out, size, "%s", field("driver")); return 0; }
int nvmlSystemGetCudaDriverVersion_v2(int *out) { *out = atoi(field("cuda")); return 0; }
int nvmlDeviceGetCount_v2(unsigned *out) { char text[256]; *out = gpu(-1, text); return atoi(field("count")); }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **out) {
    *out = (void *)(long)(index + 1);
    return told(index + 1, ":handle", 0);
}
int nvmlDeviceGetName(void *device, char *out, unsigned size) {
    char text[256] = "";
    gpu((long)device - 1, text);
    snprintf(out, size, "%.*s", (int)strcspn(text, ":"), text);
    return 0;
}
int nvmlDeviceGetCudaComputeCapability(void *device, int *major, int *minor) {
    char text[256] = "";
    gpu((long)device - 1, text);
    int code = told((long)device, ":capability", 0);
    return code ? code : sscanf(text + strcspn(text, ":"), ":%d.%d", major, minor) == 2 ? 0 : 3;
}
int nvmlDeviceGetMigMode(void *device, unsigned *now, unsigned *then) {
    char text[256] = "";
    gpu((long)device - 1, text);
    *now = *then = strstr(text, ":mig") != NULL;
    return 0;
}
int nvmlDeviceGetMaxMigDeviceCount(void *device, unsigned *out) { (void)device; *out = 7; return 0; }
int nvmlDeviceGetMigDeviceHandleByIndex(void *device, unsigned index, void **out) {
    *out = (void *)(long)(100 + index);
    return (int)index < told((long)device, ":mig", 0) ? 0 : 6;
}
int nvmlDeviceGetUUID(void *device, char *out, unsigned size) {
    if ((long)device >= 100) snprintf(out, size, "MIG-%04ld", (long)device - 100);
    else snprintf(out, size, "GPU-%ld", (long)device);
    return 0;
}
int nvmlDeviceGetGpuFabricInfo(void *device, unsigned char *out) {
    int state = told((long)device, ":fabric", 0);
    memset(out, 0, 25);
    out[24] = (unsigned char)state; /* clusterUuid[16], status, cliqueId, state */
    return state ? 0 : 3;
}
