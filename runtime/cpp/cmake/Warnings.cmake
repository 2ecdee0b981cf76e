# zsn2m_warnings: the warnings, and the sanitizers where they are asked for, of every target of ours.

add_library(zsn2m_warnings INTERFACE)
target_compile_options(zsn2m_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow)
if(ZSN2M_WERROR)
    target_compile_options(zsn2m_warnings INTERFACE -Werror)
endif()
if(ZSN2M_SANITIZE)
    set(sanitizers -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_compile_options(zsn2m_warnings INTERFACE ${sanitizers} -g)
    add_link_options(${sanitizers})
endif()
