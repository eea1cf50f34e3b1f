/** Pulumi mocks that really create: every registration becomes calls to the local AWS by the deploy table. */
import * as pulumi from "@pulumi/pulumi";
import { askDataSource, NothingFound } from "./dataSources";
import type { LocalClients, Target } from "./localClients";
import { Providers } from "./providers";
import type { Created, DeployTable, ResourceContext, UploadedFunction } from "./resource";
import { deployTable, handledForEveryType, withoutCounterpart } from "./table";

/** What was deployed, or tried. */
export interface DeployLog {
    /** Resources created, in the order they were finished. */
    resources: { type: string; name: string; id: string; target: Target }[];
    functions: UploadedFunction[];
    /** One sentence a resource or function that failed. */
    failures: string[];
}

/** Wraps the inputs to learn which of them a handler reads. */
function watched(inputs: Record<string, unknown>): { inputs: Record<string, unknown>; unread: () => string[] } {
    const read = new Set<string>();
    const proxy = new Proxy(inputs, {
        get: (target, key) => {
            if (typeof key === "string") read.add(key);
            return target[key as string];
        },
    });
    return { inputs: proxy, unread: () => Object.keys(inputs).filter((key) => inputs[key] !== undefined && !read.has(key)) };
}

/**
 * Creates one resource by the table.
 *
 * @throws when the type is not in the table, when AWS refuses, or when the program sets an input the handler does not
 * look at: an input that is dropped in silence would make the rehearsal prove less than it says.
 */
export async function createByTable(table: DeployTable, inputs: Record<string, unknown>, context: ResourceContext): Promise<Created> {
    const line = table[context.type];
    if (!line) throw new Error("this type is not in the deploy table; add it to rehearsal/deploy, or to withoutCounterpart with a reason");
    const { inputs: seen, unread } = watched(inputs);
    const created = await line.create(seen, context);
    const dropped = unread().filter((key) => !(key in line.noEffect) && !(key in handledForEveryType));
    if (dropped.length > 0)
        throw new Error(
            `the deploy table does not know its input ${dropped.join(", ")}; teach the handler, or list it under noEffect with a reason`,
        );
    return created;
}

/** Mocks for `pulumi.runtime.setMocks`, and the log they write. @param defaults account and Region of the default provider. */
export function creatingMocks(clients: LocalClients, defaults: Target): { mocks: pulumi.runtime.Mocks; log: DeployLog } {
    const providers = new Providers(defaults);
    const log: DeployLog = { resources: [], functions: [], failures: [] };

    async function newResource({
        type,
        name,
        inputs: raw,
        provider,
        custom,
    }: pulumi.runtime.MockResourceArgs): Promise<{ id: string | undefined; state: Record<string, unknown> }> {
        // A secret arrives wrapped. AWS is told the value, the local one as the real one.
        const inputs = Object.fromEntries(
            Object.entries(raw as Record<string, unknown>).map(([key, value]) => [key, pulumi.runtime.unwrapRpcSecret(value)]),
        );
        if (type.startsWith("pulumi:providers:")) return { id: providers.register(name, inputs), state: inputs };
        // A component is a name for its children: nothing of it exists in AWS.
        if (!custom || type in withoutCounterpart) return { id: custom ? name : undefined, state: inputs };
        try {
            const { target, defaultTags } = providers.find(provider, inputs.region);
            const created = await createByTable(deployTable, inputs, {
                type,
                name,
                target,
                defaultTags,
                clients,
                onUpload: (one) => log.functions.push(one),
            });
            log.resources.push({ type, name, id: created.id, target });
            return { id: created.id, state: { ...inputs, region: target.region, ...created.state } };
        } catch (error) {
            log.failures.push(`${name} (${type}): ${error instanceof Error ? error.message : String(error)}`);
            throw error;
        }
    }

    async function call({ token, inputs, provider }: pulumi.runtime.MockCallArgs): Promise<Record<string, unknown>> {
        try {
            return await askDataSource(token, inputs, providers.find(provider, inputs.region).target, clients);
        } catch (error) {
            if (!(error instanceof NothingFound)) log.failures.push(`${token}: ${error instanceof Error ? error.message : String(error)}`);
            throw error;
        }
    }
    return { mocks: { newResource, call }, log };
}
