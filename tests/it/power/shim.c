/* Writes down, in order, what a process does to the files below POWER_ROOT: everything that a power cut could undo.
 * It is preloaded; src/ knows nothing of it. The record is read by trace.rs.
 * Where POWER_CONTROL names a file, what stands there sets the clock of the process, and lets its disk fail. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define MOST_FILES 4096

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static int trace = -1;
static char root[PATH_MAX];
static size_t root_length;
static char is_ours[MOST_FILES];

/* How far the clock is off, in milliseconds, and the error that writing gives, or 0. */
static const volatile struct { int64_t clock_ms; int32_t disk_error; } *control;

static ssize_t (*real_write)(int, const void *, size_t);

#define REAL(name, type) \
    static __typeof__(type) real; \
    if (!real) real = (__typeof__(type))dlsym(RTLD_NEXT, #name)

static void out(const void *bytes, size_t length) {
    const char *at = bytes;
    while (length > 0) {
        ssize_t written = real_write(trace, at, length);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) abort();
        at += written;
        length -= (size_t)written;
    }
}

static void note(char op, int fd, uint64_t offset, const void *a, size_t a_length, const void *b, size_t b_length) {
    int kept = errno;
    int32_t file = fd;
    uint32_t lengths[2] = {(uint32_t)a_length, (uint32_t)b_length};
    out(&op, 1);
    out(&file, 4);
    out(&offset, 8);
    out(lengths, 8);
    out(a, a_length);
    out(b, b_length);
    errno = kept;
}

__attribute__((constructor)) static void begin(void) {
    real_write = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    int (*real_open)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
    const char *file = getenv("POWER_TRACE"), *folder = getenv("POWER_ROOT"), *wishes = getenv("POWER_CONTROL");
    int wished = wishes ? real_open(wishes, O_RDONLY | O_CLOEXEC) : -1;
    void *map = wished < 0 ? MAP_FAILED : mmap(NULL, sizeof *control, PROT_READ, MAP_SHARED, wished, 0);
    if (map != MAP_FAILED) control = map;
    if (!file || !folder) return;
    strncpy(root, folder, sizeof root - 1);
    root_length = strlen(root);
    trace = real_open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* The whole path, if it is the root or below it. */
static const char *below(int folder, const char *path, char *room) {
    if (trace < 0 || !path) return NULL;
    if (path[0] != '/') {
        char link[64];
        if (folder == AT_FDCWD) return NULL;
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t length = readlink(link, room, PATH_MAX - 1);
        if (length < 0) return NULL;
        snprintf(room + length, (size_t)(PATH_MAX - length), "/%s", path);
        path = room;
    }
    if (strncmp(path, root, root_length) != 0) return NULL;
    return path[root_length] == '/' || path[root_length] == '\0' ? path : NULL;
}

/* Whether the disk fails now. */
static int fails(void) {
    if (!control || !control->disk_error) return 0;
    errno = control->disk_error;
    return 1;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    REAL(clock_gettime, int (*)(clockid_t, struct timespec *));
    int result = real(clock, now);
    if (result == 0 && control && clock == CLOCK_REALTIME) {
        int64_t ms = (int64_t)now->tv_sec * 1000 + now->tv_nsec / 1000000 + control->clock_ms;
        now->tv_sec = ms / 1000;
        now->tv_nsec = ms % 1000 * 1000000 + now->tv_nsec % 1000000;
    }
    return result;
}

static int ours(int fd) { return trace >= 0 && fd >= 0 && fd < MOST_FILES && is_ours[fd]; }

static int opened(int fd, int folder, const char *path, int flags) {
    char room[PATH_MAX];
    const char *whole = below(folder, path, room);
    if (fd < 0 || fd >= MOST_FILES) return fd;
    is_ours[fd] = whole != NULL;
    if (whole) note('O', fd, (uint64_t)(uint32_t)flags, whole, strlen(whole), NULL, 0);
    return fd;
}

static mode_t mode_of(int flags, va_list more) { return flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; }

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(name, int (*)(const char *, int, ...)); \
        va_list more; \
        va_start(more, flags); \
        mode_t mode = mode_of(flags, more); \
        va_end(more); \
        pthread_mutex_lock(&turn); \
        int fd = opened(real(path, flags, mode), AT_FDCWD, path, flags); \
        pthread_mutex_unlock(&turn); \
        return fd; \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
    int name(int folder, const char *path, int flags, ...) { \
        REAL(name, int (*)(int, const char *, int, ...)); \
        va_list more; \
        va_start(more, flags); \
        mode_t mode = mode_of(flags, more); \
        va_end(more); \
        pthread_mutex_lock(&turn); \
        int fd = opened(real(folder, path, flags, mode), folder, path, flags); \
        pthread_mutex_unlock(&turn); \
        return fd; \
    }
OPENAT(openat)
OPENAT(openat64)

int close(int fd) {
    REAL(close, int (*)(int));
    pthread_mutex_lock(&turn);
    if (fd >= 0 && fd < MOST_FILES) is_ours[fd] = 0;
    int result = real(fd);
    pthread_mutex_unlock(&turn);
    return result;
}

ssize_t write(int fd, const void *bytes, size_t length) {
    if (!real_write) real_write = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    if (!ours(fd)) return real_write(fd, bytes, length);
    if (fails()) return -1;
    pthread_mutex_lock(&turn);
    ssize_t written = real_write(fd, bytes, length);
    if (written > 0) {
        off_t end = lseek(fd, 0, SEEK_CUR);
        note('W', fd, (uint64_t)(end - written), bytes, (size_t)written, NULL, 0);
    }
    pthread_mutex_unlock(&turn);
    return written;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(writev, ssize_t (*)(int, const struct iovec *, int));
    if (!ours(fd)) return real(fd, parts, count);
    return count > 0 ? write(fd, parts[0].iov_base, parts[0].iov_len) : 0;
}

#define PWRITE(name, offset_type) \
    ssize_t name(int fd, const void *bytes, size_t length, offset_type offset) { \
        REAL(name, ssize_t (*)(int, const void *, size_t, offset_type)); \
        if (!ours(fd)) return real(fd, bytes, length, offset); \
        if (fails()) return -1; \
        pthread_mutex_lock(&turn); \
        ssize_t written = real(fd, bytes, length, offset); \
        if (written > 0) note('W', fd, (uint64_t)offset, bytes, (size_t)written, NULL, 0); \
        pthread_mutex_unlock(&turn); \
        return written; \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define TRUNCATE(name, offset_type) \
    int name(int fd, offset_type length) { \
        REAL(name, int (*)(int, offset_type)); \
        if (!ours(fd)) return real(fd, length); \
        if (fails()) return -1; \
        pthread_mutex_lock(&turn); \
        int result = real(fd, length); \
        if (result == 0) note('T', fd, (uint64_t)length, NULL, 0, NULL, 0); \
        pthread_mutex_unlock(&turn); \
        return result; \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

/* sync_file_range is left out: it promises nothing. */
#define SYNC(name) \
    int name(int fd) { \
        REAL(name, int (*)(int)); \
        if (!ours(fd)) return real(fd); \
        if (fails()) return -1; \
        pthread_mutex_lock(&turn); \
        int result = real(fd); \
        if (result == 0) note('S', fd, 0, NULL, 0, NULL, 0); \
        pthread_mutex_unlock(&turn); \
        return result; \
    }
SYNC(fsync)
SYNC(fdatasync)

int rename(const char *from, const char *to) {
    REAL(rename, int (*)(const char *, const char *));
    char room[2][PATH_MAX];
    const char *a = below(AT_FDCWD, from, room[0]), *b = below(AT_FDCWD, to, room[1]);
    pthread_mutex_lock(&turn);
    int result = real(from, to);
    if (result == 0 && a && b) note('R', -1, 0, a, strlen(a), b, strlen(b));
    pthread_mutex_unlock(&turn);
    return result;
}

#define ONE_PATH(name, op, arguments, call, folder) \
    int name arguments { \
        REAL(name, int(*) arguments); \
        char room[PATH_MAX]; \
        const char *whole = below(folder, path, room); \
        pthread_mutex_lock(&turn); \
        int result = real call; \
        if (result == 0 && whole) note(op, -1, 0, whole, strlen(whole), NULL, 0); \
        pthread_mutex_unlock(&turn); \
        return result; \
    }
ONE_PATH(unlink, 'U', (const char *path), (path), AT_FDCWD)
ONE_PATH(rmdir, 'U', (const char *path), (path), AT_FDCWD)
ONE_PATH(unlinkat, 'U', (int folder, const char *path, int flags), (folder, path, flags), folder)
ONE_PATH(mkdir, 'M', (const char *path, mode_t mode), (path, mode), AT_FDCWD)
