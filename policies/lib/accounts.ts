import type { PolicyProviderResource } from "@pulumi/policy";
import { listOf, reveal, type Value } from "./values";

/** The account a resource's provider is tied to; undefined where the provider is the default one, or takes several. */
export function accountOf(resource: { provider?: PolicyProviderResource }): string | undefined {
    const allowed = listOf(decoded(resource.provider === undefined ? undefined : reveal(resource.provider.props).allowedAccountIds));
    return allowed.length === 1 && typeof allowed[0] === "string" ? allowed[0] : undefined;
}

/** A provider's inputs are JSON text where they are not plain strings. */
function decoded(value: Value): Value {
    return typeof value === "string" && value.startsWith("[") ? (JSON.parse(value) as Value) : value;
}
