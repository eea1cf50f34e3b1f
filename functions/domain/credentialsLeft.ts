/** What containment did not cut of an instance's credentials. An instance without a network does not keep who copied its credentials out of AWS. Pure. */
import type { Containment, ContainmentStep, InstanceRef } from "./containers";
import { addDenied } from "./planCredentialDeny";

/** Steps that take credentials away: those of the role, of roles that the instance had before, and sessions that were opened before. */
const cuts: ReadonlySet<string> = new Set(["denyCredentials", "denyRole", "revokeRole", "revokeSessions"]);

/** The steps that were to cut credentials and failed: empty where all are cut, and where nothing was to be changed. */
export const credentialsLeft = (containment: Pick<Containment, "steps"> | null): ContainmentStep[] =>
    (containment?.steps ?? []).filter(({ name, outcome }) => outcome === "failed" && cuts.has(name));

/**
 * What an administrator of the account types: a policy of another name than ours, which may hold the denies of other instances.
 *
 * @param partition as in `arn:<partition>:ec2`
 */
export const cutByHand = ({ instanceId, accountId, region }: InstanceRef, partition: string): string[] => [
    `Cut its credentials by hand now: whoever copied them goes on in AWS for up to six hours, and longer where they still read the metadata endpoint. As an administrator of account ${accountId}, for each role that "What failed" names: aws iam put-role-policy --role-name ROLE --policy-name contained-by-hand-${instanceId} --policy-document '${addDenied(null, `arn:${partition}:ec2:${region}:${accountId}:instance/${instanceId}`)}'`,
];
