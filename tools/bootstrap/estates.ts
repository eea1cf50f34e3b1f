/** Configurations that together declare every resource type of the program, and what they declare in which kind of account. */
import { declare } from "../program/declared";
import { drillRangeTypes } from "./typeRights";

export const accountKinds = ["forensics", "member", "management"] as const;
export type AccountKind = (typeof accountKinds)[number];

const ids: Record<AccountKind, string> = { forensics: "111111111111", member: "222222222222", management: "333333333333" };
const common = { forensics: { accountId: ids.forensics }, regions: ["eu-west-1"], members: [{ accountId: ids.member }] };
const organization = { organizationId: "o-a1b2c3d4e5", organizationalUnitIds: ["ou-a1b2-c3d4e5f6"] };

/** With everything on that declares a type of its own; tests/bootstrap fails where a type of infra/ is in none of them. */
const estates = [
    {
        ...common,
        organization: { ...organization, management: { accountId: ids.management } },
        range: { enabled: true },
        memory: { mode: "volatile" },
        findings: { drill: true },
        network: { endpoints: "standing" },
        notifications: { emails: ["people@example.com"], chat: true },
        operations: { dashboard: true },
        imagePipeline: { enabled: true, subnetId: "subnet-0123456789abcdef0", securityGroupIds: ["sg-0123456789abcdef0"] },
        forensicInstance: { imageParameter: "/clean-room/forensic-image" },
    },
    // Without an organisation each account gets a detector of its own.
    common,
];

export interface DeclaredTypes {
    types: Record<AccountKind, Set<string>>;
    /** Of each resource that has a name in AWS: its type and that name. */
    named: { type: string; name: string }[];
}

/** @throws when the program refuses one of the configurations */
export async function declaredTypes(): Promise<DeclaredTypes> {
    const types: Record<AccountKind, Set<string>> = { forensics: new Set(), member: new Set(drillRangeTypes), management: new Set() };
    const named: DeclaredTypes["named"] = [];
    for (const settings of estates) {
        const { resources, problems } = await declare(settings);
        if (problems.length > 0) throw new Error(`tools/bootstrap/estates.ts has a configuration that is refused: ${problems.join("; ")}`);
        for (const { type, custom, accountId, inputs } of resources) {
            const kind = accountKinds.find((each) => ids[each] === accountId);
            if (!custom || !kind || !type.startsWith("aws:")) continue;
            types[kind].add(type);
            const name = inputs.name ?? inputs.bucket ?? inputs.dashboardName;
            if (typeof name === "string") named.push({ type, name });
        }
    }
    return { types, named };
}
