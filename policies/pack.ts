import type { Policies, PolicyConfigSchema, PolicyPackArgs } from "@pulumi/policy";
import { accountDefaultsAreSafe } from "./accountDefaultsAreSafe";
import { alarmHasActions } from "./alarmHasActions";
import { metadataOf } from "./catalogue/metadata";
import { bucketIsProtected } from "./bucketIsProtected";
import { cleanRoomEgressIsNamed } from "./cleanRoomEgressIsNamed";
import { eventsHaveDeadLetters } from "./eventsHaveDeadLetters";
import { messagesAreEncrypted } from "./messagesAreEncrypted";
import { noSecretInTheClear } from "./noSecretInTheClear";
import { tableIsProtected } from "./tableIsProtected";
import { workflowIsLogged } from "./workflowIsLogged";
import { cleanRoomHasNoGateway } from "./cleanRoomHasNoGateway";
import { cleanRoomHasNoPublicAddress } from "./cleanRoomHasNoPublicAddress";
import { cleanRoomHasNoRouteOut } from "./cleanRoomHasNoRouteOut";
import { coverageInEveryRegion } from "./coverageInEveryRegion";
import { endpointPolicyIsNotOpen } from "./endpointPolicyIsNotOpen";
import { evidenceBucketIsProtected } from "./evidenceBucketIsProtected";
import { isolationGroupHasNoRules } from "./isolationGroupHasNoRules";
import { kmsKeyRotatesAndStays } from "./kmsKeyRotatesAndStays";
import { ownershipSchema } from "./lib/ownership";
import { withContents } from "./lib/withContents";
import { lambdaHasDeadLetterAndTimeout } from "./lambdaHasDeadLetterAndTimeout";
import { logGroupRetains } from "./logGroupRetains";
import { noFullAccessPolicy } from "./noFullAccessPolicy";
import { nothingIsPublic } from "./nothingIsPublic";
import { otherPackagesAreRead } from "./otherPackagesAreRead";
import { resourcesAreTagged } from "./resourcesAreTagged";
import { roleHasNoWildcards } from "./roleHasNoWildcards";

/** Name under which the engine reports the pack. */
export const packName = "ec2-clean-room";

const written: PolicyPackArgs["policies"] = [
    isolationGroupHasNoRules,
    cleanRoomHasNoGateway,
    cleanRoomHasNoRouteOut,
    cleanRoomHasNoPublicAddress,
    endpointPolicyIsNotOpen,
    evidenceBucketIsProtected,
    kmsKeyRotatesAndStays,
    roleHasNoWildcards,
    noFullAccessPolicy,
    lambdaHasDeadLetterAndTimeout,
    logGroupRetains,
    nothingIsPublic,
    coverageInEveryRegion,
    otherPackagesAreRead,
    cleanRoomEgressIsNamed,
    accountDefaultsAreSafe,
    bucketIsProtected,
    tableIsProtected,
    messagesAreEncrypted,
    eventsHaveDeadLetters,
    workflowIsLogged,
    alarmHasActions,
    noSecretInTheClear,
    resourcesAreTagged,
];

/** Policies that judge whose somebody is: they all take the estate's further accounts and organisations, and exceptions with reason and date. */
const JUDGE_OWNERS = new Set([
    "endpoint-policy-is-not-open",
    "evidence-bucket-is-protected",
    "kms-key-rotates-and-stays",
    "nothing-is-public",
    "role-has-no-wildcards",
]);

/** A policy's configuration: its own, and whose accounts are whose where it asks. */
function schemaOf({ name, configSchema }: Policies[number]): PolicyConfigSchema | undefined {
    return JUDGE_OWNERS.has(name)
        ? {
              ...configSchema,
              properties: { ...configSchema?.properties, ...(ownershipSchema as unknown as PolicyConfigSchema["properties"]) },
          }
        : configSchema;
}

/** Every policy of the pack, which also judges what a template or another package brings along. Importing this file starts nothing; `index.ts` serves it. */
export const policies: PolicyPackArgs["policies"] = written.map((policy, turn) =>
    withContents({ ...policy, configSchema: schemaOf(policy), ...metadataOf(policy.name) }, turn),
);
