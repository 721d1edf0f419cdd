/* A management library that says what $FAKE_NVML tells it: driver=550.54.15;cuda=12040;gpus=NVIDIA L4:8.9,...
 * mode=hang|crash|mismatch; a GPU NAME:CAPABILITY:mig has MIG on and no device, NAME:CAPABILITY:mig1 has one. */
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

int nvmlInit_v2(void) {
    const char *mode = field("mode");
    if (!strcmp(mode, "hang")) for (;;) sleep(1);
    if (!strcmp(mode, "crash")) *(volatile int *)0 = 1;
    return !strcmp(mode, "mismatch") ? 18 : 0;
}
int nvmlShutdown(void) { return 0; }
int nvmlSystemGetDriverVersion(char *out, unsigned size) { snprintf(out, size, "%s", field("driver")); return 0; }
int nvmlSystemGetCudaDriverVersion_v2(int *out) { *out = atoi(field("cuda")); return 0; }
int nvmlDeviceGetCount_v2(unsigned *out) { char text[256]; *out = gpu(-1, text); return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **out) { *out = (void *)(long)(index + 1); return 0; }
int nvmlDeviceGetName(void *device, char *out, unsigned size) {
    char text[256] = "";
    gpu((long)device - 1, text);
    snprintf(out, size, "%.*s", (int)strcspn(text, ":"), text);
    return 0;
}
int nvmlDeviceGetCudaComputeCapability(void *device, int *major, int *minor) {
    char text[256] = "";
    gpu((long)device - 1, text);
    return sscanf(text + strcspn(text, ":"), ":%d.%d", major, minor) == 2 ? 0 : 3;
}
int nvmlDeviceGetMigMode(void *device, unsigned *now, unsigned *then) {
    char text[256] = "";
    gpu((long)device - 1, text);
    *now = *then = strstr(text, ":mig") != NULL;
    return 0;
}
int nvmlDeviceGetMaxMigDeviceCount(void *device, unsigned *out) { (void)device; *out = 7; return 0; }
int nvmlDeviceGetMigDeviceHandleByIndex(void *device, unsigned index, void **out) {
    char text[256] = "";
    gpu((long)device - 1, text);
    *out = (void *)100;
    return strstr(text, ":mig1") && index == 0 ? 0 : 6;
}
int nvmlDeviceGetUUID(void *device, char *out, unsigned size) {
    snprintf(out, size, (long)device == 100 ? "MIG-0000" : "GPU-%ld", (long)device);
    return 0;
}
