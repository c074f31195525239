# The include graph of src/ is the one that ARCHITECTURE.md draws; and the check of it notices what it should.
add_test(NAME layers COMMAND ${PROJECT_SOURCE_DIR}/scripts/check-layers)
add_test(NAME layers.self_test COMMAND ${PROJECT_SOURCE_DIR}/scripts/check-layers --self-test)

# What documents point at exists: files, headings, tests, messages.
add_test(NAME docs COMMAND ${PROJECT_SOURCE_DIR}/scripts/check-docs)
add_test(NAME docs.self_test COMMAND ${PROJECT_SOURCE_DIR}/scripts/check-docs --self-test)
