/* Compiled as strict C99: the header takes nothing from C++. */
#include "zsn2m/zsn2m.h"

int zsn2m_header_is_c99(void);

int zsn2m_header_is_c99(void) {
    const zsn2m_size size = {1, 1, 1};
    const zsn2m_strides strides = {0, 0, 0};
    return zsn2m_denoise_u8(NULL, NULL, &strides, NULL, &strides, size) == ZSN2M_USAGE;
}
