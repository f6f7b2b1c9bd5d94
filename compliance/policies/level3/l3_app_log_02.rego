# METADATA
# scope: package
# title: "Central application logs"
# custom:
#   framework: level3
#   control: L3-APP-LOG-02
package hoalu.policies.level3.l3_app_log_02

import data.hoalu.lib

result := lib.coverage(lib.with_layer("application"), "no_application_source")
