/** Which account and Region a resource goes to: its provider's, with the resource's own `region` before it. */
import { randomUUID } from "node:crypto";
import type { Target } from "./localClients";

interface Provider {
    target: Target;
    defaultTags: Record<string, string>;
}

/** A provider's inputs arrive as JSON text where they are not plain strings, as the real engine sends them. */
function decoded(value: unknown): unknown {
    if (typeof value !== "string") return value;
    try {
        return JSON.parse(value);
    } catch {
        return value;
    }
}

/** The account a provider works in: the one it is limited to, else that of the role it assumes. */
function accountOf(name: string, inputs: Record<string, unknown>): string | null {
    const allowed = decoded(inputs.allowedAccountIds);
    if (Array.isArray(allowed) && allowed.length > 1) {
        throw new Error(`The provider ${name} allows ${allowed.length} accounts; one is needed to know where its resources go.`);
    }
    if (Array.isArray(allowed) && allowed.length === 1) return String(allowed[0]);
    const roles = decoded(inputs.assumeRoles);
    const roleArn = Array.isArray(roles) ? (roles[0] as { roleArn?: string } | undefined)?.roleArn : undefined;
    return roleArn?.split(":")[4] ?? null;
}

/** Remembers every explicit provider of the program. */
export class Providers {
    private readonly byId = new Map<string, Provider>();

    /** @param fallback the account and Region of the default provider. */
    constructor(private readonly fallback: Target) {}

    /** @returns the id that resources will name the provider by. */
    register(name: string, inputs: Record<string, unknown>): string {
        const id = randomUUID();
        const tags = decoded(inputs.defaultTags) as { tags?: Record<string, string> } | undefined;
        this.byId.set(id, {
            target: {
                accountId: accountOf(name, inputs) ?? this.fallback.accountId,
                region: typeof inputs.region === "string" ? inputs.region : this.fallback.region,
            },
            defaultTags: tags?.tags ?? {},
        });
        return id;
    }

    /** @param reference `<urn>::<id>` as a resource carries it; empty for the default provider. */
    find(reference: string | undefined, region: unknown): Provider {
        const provider = reference
            ? this.byId.get(reference.slice(reference.lastIndexOf("::") + 2))
            : { target: this.fallback, defaultTags: {} };
        if (!provider) throw new Error(`the provider ${reference} was never registered`);
        return {
            ...provider,
            target: { ...provider.target, region: typeof region === "string" && region ? region : provider.target.region },
        };
    }
}
