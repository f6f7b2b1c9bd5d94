# METADATA
# scope: package
# title: "Technical layer application"
# custom:
#   framework: technical
#   control: TECH-APPLICATION
package hoalu.policies.technical.tech_application

import data.hoalu.lib

result := lib.coverage(lib.with_layer("application"), "no_application_source")
