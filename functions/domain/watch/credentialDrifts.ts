/** What of the denied credentials is not as containment left it. */
import type { StandingContainment } from "../standingContainment";
import { underEc2, type DenySeen, type Drift, type Watched } from "./drift";

/** Denies of its roles, the metadata endpoint and the profile; none where credentials were left alone. */
export function credentialDrifts({ modes, record, instance }: StandingContainment, { state, denies, revoked }: Watched): Drift[] {
    if (modes?.credentials === "keep") return [];
    return [
        ...policies("deny", denies, {
            absent: "does not deny the instance's credentials",
            foreign: "has a policy of our name with other content, so what it allows of the instance's credentials is not known",
        }),
        ...policies("revoked", revoked, {
            absent: "does not deny the sessions any more that were issued before the containment",
            foreign:
                "has other content in the policy that denied the sessions issued before the containment, so what it allows is not known",
        }),
        ...(state.metadataEndpoint === "disabled"
            ? []
            : [
                  {
                      key: "metadata",
                      what: "the metadata endpoint answers, so the instance gets credentials",
                      repairable: true,
                      opens: true,
                      trail: underEc2(instance.instanceId, "ModifyInstanceMetadataOptions"),
                  },
              ]),
        ...(state.instanceProfileArn === record.instanceProfileArn
            ? []
            : [
                  {
                      key: `profile:${state.instanceProfileArn ?? "none"}`.slice(0, 256),
                      what: `the instance profile was ${record.instanceProfileArn ?? "absent"} and is ${state.instanceProfileArn ?? "absent"} now`,
                      // Its role is denied as well; the profile itself is left as it is.
                      repairable: false,
                      opens: false,
                      trail: underEc2(
                          instance.instanceId,
                          "ReplaceIamInstanceProfileAssociation",
                          "AssociateIamInstanceProfile",
                          "DisassociateIamInstanceProfile",
                      ),
                  },
              ]),
    ];
}

/** Inline policies of roles that are not as they were written. */
function policies(kind: string, seen: Record<string, DenySeen>, said: Partial<Record<DenySeen, string>>): Drift[] {
    return Object.entries(seen).flatMap(([role, how]): Drift[] =>
        said[how] === undefined
            ? []
            : [
                  {
                      key: `${kind}:${role}:${how}`.slice(0, 256),
                      what: `the role ${role} ${said[how]}`,
                      repairable: true,
                      opens: true,
                      trail: { resource: role, events: ["DeleteRolePolicy", "PutRolePolicy"], service: "iam" },
                  },
              ],
    );
}
