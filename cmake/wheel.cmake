# What goes into the wheel besides the extension: the server, as the command "vedette".
#
# A server that `cmake --preset release` has built already (build/release/vedette) is taken as it is;
# otherwise it is built here. VEDETTE_WHEEL_SERVER=OFF leaves it out.
option(VEDETTE_WHEEL_SERVER "Put the server into the wheel" ON)

set(VEDETTE_BUILT_SERVER ${CMAKE_SOURCE_DIR}/build/release/vedette)
if(VEDETTE_WHEEL_SERVER AND EXISTS ${VEDETTE_BUILT_SERVER})
  install(PROGRAMS ${VEDETTE_BUILT_SERVER} DESTINATION ${SKBUILD_SCRIPTS_DIR})
  set(VEDETTE_SERVER OFF)
else()
  set(VEDETTE_SERVER ${VEDETTE_WHEEL_SERVER})
endif()

# Called once all targets are known.
function(vedette_install_server)
  if(VEDETTE_SERVER AND TARGET vedette)
    install(TARGETS vedette RUNTIME DESTINATION ${SKBUILD_SCRIPTS_DIR})
  endif()
endfunction()
