#pragma once

// DML_SANITIZED where a sanitizer takes memory of its own, so that there is none to measure. GCC
// has macros for it, clang answers a question that GCC does not know.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define DML_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define DML_SANITIZED
#endif
#endif
