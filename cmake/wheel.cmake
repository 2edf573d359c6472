# What goes into the wheel: the extension, and the server, which the command "vedette" starts (_command.py).
#
# What `cmake --preset release` has built already (build/release) is taken as it is; what is missing is built
# here. VEDETTE_WHEEL_SERVER=OFF leaves the server out, VEDETTE_WHEEL_REUSE=OFF builds everything.
option(VEDETTE_WHEEL_SERVER "Put the server into the wheel" ON)
option(VEDETTE_WHEEL_REUSE "Take what the release preset has built" ON)

set(VEDETTE_BUILT_EXTENSION ${CMAKE_SOURCE_DIR}/build/release/python/_native.${SKBUILD_SOABI}.so)
if(VEDETTE_WHEEL_REUSE AND EXISTS ${VEDETTE_BUILT_EXTENSION})
  install(PROGRAMS ${VEDETTE_BUILT_EXTENSION} DESTINATION vedette)
  set(VEDETTE_PYTHON OFF)
endif()

set(VEDETTE_BUILT_SERVER ${CMAKE_SOURCE_DIR}/build/release/vedette)
if(VEDETTE_WHEEL_SERVER AND VEDETTE_WHEEL_REUSE AND EXISTS ${VEDETTE_BUILT_SERVER})
  install(PROGRAMS ${VEDETTE_BUILT_SERVER} DESTINATION vedette/bin)
  set(VEDETTE_SERVER OFF)
else()
  set(VEDETTE_SERVER ${VEDETTE_WHEEL_SERVER})
endif()

# Called once all targets are known.
function(vedette_install_server)
  if(VEDETTE_SERVER AND TARGET vedette)
    install(TARGETS vedette RUNTIME DESTINATION vedette/bin)
  endif()
endfunction()
