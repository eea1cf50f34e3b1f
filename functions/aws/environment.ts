/** Reads a variable that the deployment sets. @throws when it is missing: a deployment error, not an incident's. */
export function environment(name: string): string {
    const value = process.env[name];
    if (!value) throw new Error(`The environment variable ${name} of this function is not set. Deploy again with pulumi up.`);
    return value;
}

/** Like {@link environment} where the empty value has a meaning. */
export function optionalEnvironment(name: string): string | null {
    return process.env[name] || null;
}
