/** What a handler of the deploy table is given and gives back: one Pulumi resource becomes one real one. */
import { randomBytes } from "node:crypto";
import type * as pulumi from "@pulumi/pulumi";
import type { LocalClients, Target } from "./localClients";

/** The resource as the engine would record it: its physical id, and the outputs the provider adds to the inputs. */
export interface Created {
    id: string;
    state?: Record<string, unknown>;
}

/** One function's code as uploaded. */
export interface UploadedFunction {
    /** Physical name of the function. */
    name: string;
    zipBytes: number;
}

/** Everything about a registration besides its inputs. */
export interface ResourceContext {
    /** Pulumi type token, such as `aws:ec2/vpc:Vpc`. */
    type: string;
    /** Logical name in the program. */
    name: string;
    /** Where the resource's provider and its `region` input put it. */
    target: Target;
    /** Tags that the provider adds to every resource. */
    defaultTags: Record<string, string>;
    clients: LocalClients;
    /** Told of every function uploaded. */
    onUpload: (uploaded: UploadedFunction) => void;
}

/** Inputs as they arrive when every output is known: plain values. */
export type Plain<Args> = pulumi.Unwrap<Args>;
export type Handler<Args> = (inputs: Plain<Args>, context: ResourceContext) => Promise<Created>;

/** A line of the deploy table. */
export interface TableEntry {
    create: (inputs: Record<string, unknown>, context: ResourceContext) => Promise<Created>;
    /** Inputs with no effect in the local AWS, each with the reason. Any other input that `create` never reads is an error. */
    noEffect: Record<string, string>;
}
export type DeployTable = Record<string, TableEntry>;

/** Makes a line of the table. `Args` is the resource's own argument type in @pulumi/aws. */
export function entry<Args>(create: Handler<Args>, noEffect: Record<string, string> = {}): TableEntry {
    return { create: (inputs, context) => create(inputs as unknown as Plain<Args>, context), noEffect };
}

/** The client of a service where the resource lives. */
export function clientOf<C>(context: ResourceContext, Client: Parameters<typeof context.clients<C>>[0]): C {
    return context.clients(Client, context.target);
}

/** The name given in the program, else the logical name with a random suffix, as Pulumi names resources. */
export function physicalName(context: ResourceContext, given?: string, prefix?: string): string {
    if (given) return given;
    return `${prefix ?? `${context.name}-`}${randomBytes(4).toString("hex").slice(0, 7)}`;
}

/** The resource's own tags over the provider's default ones. */
export function allTags(context: ResourceContext, tags?: Record<string, string>): Record<string, string> {
    return { ...context.defaultTags, ...tags };
}

/** Tags in the form most services want, or undefined when there are none. */
export function tagList(context: ResourceContext, tags?: Record<string, string>): { Key: string; Value: string }[] | undefined {
    const list = Object.entries(allTags(context, tags)).map(([Key, Value]) => ({ Key, Value }));
    return list.length > 0 ? list : undefined;
}

/** A policy document as text, whether the program gave text or an object. */
export function policyText(policy: unknown): string {
    return typeof policy === "string" ? policy : JSON.stringify(policy);
}
