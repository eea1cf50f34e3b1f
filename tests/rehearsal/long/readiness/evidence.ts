/** What rots of the evidence: its key and its lock. */
import { DeleteRolePolicyCommand, IAMClient, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import { CancelKeyDeletionCommand, DisableKeyCommand, EnableKeyCommand, ScheduleKeyDeletionCommand } from "@aws-sdk/client-kms";
import { GetObjectLockConfigurationCommand, PutObjectLockConfigurationCommand } from "@aws-sdk/client-s3";
import { forensics } from "../../support/localEstate";
import { type Rot, type Rotting } from "./rotting";

export function evidenceRots(estate: Rotting): Rot[] {
    const { kms, s3, ownRole } = estate;
    const lock =
        (rule: object | null): Rot["breaks"] =>
        async () => {
            const Bucket = estate.variables.EVIDENCE_BUCKET!;
            const { ObjectLockConfiguration } = await s3().send(new GetObjectLockConfigurationCommand({ Bucket }));
            const put = (given: object) => s3().send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration: given }));
            await put({ ObjectLockEnabled: "Enabled", ...(rule ? { Rule: { DefaultRetention: rule } } : {}) });
            return () => put(ObjectLockConfiguration!);
        };
    return [
        {
            what: "the evidence key is disabled",
            breaks: async () => {
                const KeyId = estate.variables.EVIDENCE_KEY_ARN!;
                await kms().send(new DisableKeyCommand({ KeyId }));
                return () => kms().send(new EnableKeyCommand({ KeyId }));
            },
            says: { "evidence-key": /the evidence key: is Disabled: no evidence can be written or read -> Enable it/ },
        },
        {
            what: "the evidence key waits for its deletion",
            breaks: async () => {
                const KeyId = estate.variables.EVIDENCE_KEY_ARN!;
                await kms().send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }));
                return async () => {
                    await kms().send(new CancelKeyDeletionCommand({ KeyId }));
                    await kms().send(new EnableKeyCommand({ KeyId }));
                };
            },
            says: { "evidence-key": /is PendingDeletion: no evidence can be written or read -> .*cancel its deletion/ },
        },
        {
            what: "the evidence key may not be used",
            breaks: async () => {
                const own = estate.local.clients(IAMClient, forensics);
                const RoleName = await ownRole();
                await own.send(
                    new PutRolePolicyCommand({
                        RoleName,
                        PolicyName: "rot",
                        PolicyDocument: JSON.stringify({
                            Version: "2012-10-17",
                            Statement: [{ Effect: "Deny", Action: "kms:GenerateDataKeyWithoutPlaintext", Resource: "*" }],
                        }),
                    }),
                );
                return () => own.send(new DeleteRolePolicyCommand({ RoleName, PolicyName: "rot" }));
            },
            says: { "evidence-key": /is enabled, but may not be used: .*AccessDenied/ },
        },
        {
            what: "Object Lock has no rule any more",
            breaks: lock(null),
            says: { "object-lock": /Object Lock of the evidence bucket: is off: objects could be deleted -> Deploy the stack again/ },
        },
        {
            what: "Object Lock is for fewer days than the stack says",
            breaks: lock({ Mode: "GOVERNANCE", Days: 1 }),
            says: { "object-lock": /is GOVERNANCE for 1 days, and the stack says \w+ for 2/ },
        },
    ];
}
