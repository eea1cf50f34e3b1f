/** The catalogue writes types as `module.Resource`, with a word for the rest: `ec2.NatGateway` is `aws:ec2/natGateway:NatGateway`. */
export function token(short: string): string {
    const [module, name] = short.split(".");
    return `aws:${module}/${name.charAt(0).toLowerCase()}${name.slice(1)}:${name}`;
}

/** Tokens of a text such as `ec2: Vpc Subnet`, one module a line. */
export function tokens(text: string): string[] {
    return text
        .trim()
        .split("\n")
        .flatMap((line) => {
            const [module, names] = line.trim().split(": ");
            return names.split(" ").map((name) => token(`${module}.${name}`));
        });
}
