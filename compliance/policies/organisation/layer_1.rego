# METADATA
# scope: package
# title: "On-site force"
# custom:
#   framework: organisation
#   control: LAYER-1
package hoalu.policies.organisation.layer_1

import data.hoalu.lib

# Decisions, roster and training are documents; none can be recorded yet, so nothing is known of them.
result := object.union(lib.answer("unknown", [lib.reason("no_force_document", {})], []), {"score": 0})
