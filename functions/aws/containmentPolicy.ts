/** Who decides about containment, as deployed. */
import { containmentPolicySchema, type ContainmentPolicy } from "../domain/decideContainment";
import { environment } from "./environment";

/** Reads CONTAINMENT_POLICY (JSON) and DRILL (`true` treats sample findings as real). @throws when the deployment set none */
export function deployedPolicy(): { policy: ContainmentPolicy; drill: boolean } {
    return {
        policy: containmentPolicySchema.parse(JSON.parse(environment("CONTAINMENT_POLICY"))),
        drill: environment("DRILL"),
    };
}
