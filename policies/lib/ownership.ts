import type { ResourceValidationArgs } from "@pulumi/policy";
import published from "../estate.json";
import { accountOf } from "./accounts";
import { readEstate } from "./estate";
import { listOf, objectOf, reveal, type Properties, type Value } from "./values";

/** Somebody outside the estate who is let in all the same, by a person's decision. */
export interface Exception {
    /** Account id, organisation id, or a principal as the document spells it. */
    principal: string;
    reason: string;
    /** Last day on which it holds, YYYY-MM-DD. */
    until: string;
}

/** What any policy that judges accounts takes as its configuration, beside what the program announces. */
export interface OwnershipConfig {
    accounts?: string[];
    organizations?: string[];
    exceptions?: Exception[];
}

/** Config schema of {@link OwnershipConfig}, for a policy's `configSchema.properties`. */
export const ownershipSchema = {
    accounts: { type: "array", items: { type: "string", pattern: "^\\d{12}$" }, description: "Accounts that count as one's own." },
    organizations: {
        type: "array",
        items: { type: "string", pattern: "^o-[a-z0-9]{10,32}$" },
        description: "Organisations that count as one's own.",
    },
    exceptions: {
        type: "array",
        description: "Strangers who are let in, each with the reason and the last day.",
        items: {
            type: "object",
            required: ["principal", "reason", "until"],
            properties: {
                principal: { type: "string" },
                reason: { type: "string", minLength: 1 },
                until: { type: "string", pattern: "^\\d{4}-\\d{2}-\\d{2}$" },
            },
        },
    },
} as const;

/**
 * The account that AWS's documentation uses and that a stand-in for AWS answers with. No customer has it; an ARN with it names a resource
 * that a stand-in made. As a principal of its own it stays a stranger.
 */
const STAND_IN = "123456789012";

/** Whose an account or organisation is. */
export class Ownership {
    constructor(
        private readonly accounts: ReadonlySet<string>,
        private readonly organizations: ReadonlySet<string>,
        private readonly exceptions: readonly Exception[],
        /** The forensics account, which keeps the evidence. */
        readonly keeper: string | undefined,
        /** The account the judged resource lies in, where its provider names it. */
        readonly ownAccount: string | undefined,
    ) {}

    /** Whether a value is the id of an account of the estate, literally. */
    isOurAccount(id: string): boolean {
        return this.accounts.has(id) || id === this.ownAccount || this.isExcepted(id);
    }

    /** Whether a value is the id of an organisation of the estate, literally. */
    isOurOrganization(id: string): boolean {
        return this.organizations.has(id) || this.isExcepted(id);
    }

    /** Whether an ARN names, literally, an account of the estate. */
    isOurArn(arn: string): boolean {
        const account = accountOfArn(arn);
        return account !== undefined && (account === STAND_IN || this.isOurAccount(account));
    }

    /** Whether a person let this principal in, and the date has not passed. */
    isExcepted(principal: string): boolean {
        const today = new Date().toISOString().slice(0, 10);
        return this.exceptions.some((each) => each.principal === principal && each.reason !== "" && each.until >= today);
    }
}

/** The account in an ARN; undefined where it is none, empty, or has a wildcard. */
export function accountOfArn(arn: string): string | undefined {
    const [scheme, , , , account] = arn.split(":");
    return scheme === "arn" && /^\d{12}$/.test(account ?? "") ? account : undefined;
}

/** What the program running now has announced so far: its first component says so before any other resource is declared. */
let announced: Properties | undefined;
const STACK = "pulumi:pulumi:Stack";
const ACCOUNTS = "ec2-clean-room:index:Accounts";

/**
 * Whose accounts are whose, for a resource that is judged before it exists. To be called for every resource a policy sees, since it learns the
 * estate from the one that announces it. In order: the estate that the program announces (`ec2-clean-room:index:Accounts`, input `estate`),
 * else the one the pack was published for (`policies/estate.json`); and always the policy's configuration and the account of the provider.
 */
export function ownershipFor(args: Pick<ResourceValidationArgs, "type" | "props" | "getConfig" | "provider">): Ownership {
    if (args.type === STACK) {
        announced = undefined;
    }
    if (args.type === ACCOUNTS) {
        const { estate } = reveal(args.props);
        announced = Object.keys(objectOf(estate)).length > 0 ? objectOf(estate) : announced;
    }
    return ownershipOf(announced, args.getConfig<OwnershipConfig>(), accountOf(args));
}

/** The same for a whole stack, where the announcement may also be an output. @param estate what `readEstate` takes; undefined for none */
export function ownershipOf(estate: Value, config: OwnershipConfig, ownAccount?: string): Ownership {
    const told = readEstate(estate);
    const accounts =
        told === undefined
            ? Object.keys(published.accounts)
            : [told.forensicsAccountId, ...told.members.map(({ accountId }) => accountId), ...told.otherAccountIds];
    const organizations =
        told === undefined || (told.hasOrganization && told.organizationId === undefined)
            ? Object.keys(published.organizations)
            : listOf(told.organizationId).map(String);
    return new Ownership(
        new Set([...accounts, ...(config.accounts ?? [])]),
        new Set([...organizations, ...(config.organizations ?? [])]),
        [...(published.exceptions as Exception[]), ...(config.exceptions ?? [])],
        told?.forensicsAccountId ?? published.forensicsAccountId,
        ownAccount,
    );
}
