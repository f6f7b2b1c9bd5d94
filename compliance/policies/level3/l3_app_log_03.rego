# METADATA
# scope: package
# title: "Application log retention"
# custom:
#   framework: level3
#   control: L3-APP-LOG-03
package hoalu.policies.level3.l3_app_log_03

import data.hoalu.lib

result := lib.retained(lib.with_layer("application"), "no_application_source")
