/** Every identity policy that the program declares, as AWS would get it. */
import { declare } from "../program/declared";

export interface NamedPolicy {
    name: string;
    document: object;
}

/** Mocks name what they make after the program's names; AWS's ARNs say what kind it is. */
const asInAws = (text: string): string =>
    text
        .replace(/arn:aws:kms:([a-z0-9-]+):(\d+):(?!key\/)/g, "arn:aws:kms:$1:$2:key/")
        .replace(/arn:aws:cloudwatch:([a-z0-9-]+):(\d+):/g, "arn:aws:logs:$1:$2:log-group:")
        .replace(/arn:aws:lambda:([a-z0-9-]+):(\d+):(?!function:)/g, "arn:aws:lambda:$1:$2:function:")
        .replace(/arn:aws:s3:[a-z0-9-]+:\d+:/g, "arn:aws:s3:::");

/** Of an estate of two accounts and one Region: both stacks' roles are of these kinds. @throws when the program refuses it */
export async function identityPolicies(): Promise<NamedPolicy[]> {
    const members = [{ accountId: "222222222222" }];
    const { resources, problems } = await declare(
        {
            forensics: { accountId: "111111111111" },
            regions: ["eu-west-1"],
            members,
            coverage: { mode: "existing" },
            containment: { network: "nacl" },
        },
        { detectors: { "111111111111/eu-west-1": "ENABLED", "222222222222/eu-west-1": "ENABLED" } },
    );
    if (problems.length > 0) throw new Error(problems.join("\n"));
    return resources
        .filter(({ type, inputs }) => type.startsWith("aws:iam/") && inputs.policy !== undefined)
        .map(({ name, inputs: { policy } }) => ({
            name,
            document: JSON.parse(asInAws(typeof policy === "string" ? policy : JSON.stringify(policy))) as object,
        }));
}
