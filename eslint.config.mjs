// Lint for what the type checker does not see: promises nobody waits for, loose comparison, dead names. Layout is Prettier's (`npm run format`).
import tseslint from "typescript-eslint";

/**
 * The layers: arrows run down only, rehearsal -> tools -> infra -> functions -> functions/aws -> functions/domain; packaging and
 * policies stand below infra and import nothing of the project's. Tests may import everything.
 *
 * @param folder such as functions/aws
 * @param allowed folders outside it that it may import from, as seen from the folder's parent
 */
const layer = (folder, ...allowed) =>
    ["", "*/", "*/*/", "*/*/*/"].map((below, depth) => ({
        files: [`${folder}/${below}*.ts`, `${folder}/${below}*.tsx`],
        rules: {
            "no-restricted-imports": [
                "error",
                {
                    patterns: [
                        {
                            // As many steps up as lead out of the folder, and then anywhere but there.
                            regex: `^(\\.\\./){${depth + 1}}${allowed.length > 0 ? `(?!(${allowed.join("|")})(/|$))` : ""}`,
                            message: `${folder}/ may import ${allowed.length > 0 ? `only ${allowed.join(", ")} beside its own files` : "its own files alone"}: arrows run down (docs/architecture.md).`,
                        },
                    ],
                },
            ],
        },
    }));

export default tseslint.config(
    { ignores: ["node_modules/", "build/", ".venv/", ".cache/", "sdks/", "rehearsal/out/", "**/*.js", "**/*.cjs"] },
    {
        files: ["**/*.ts", "**/*.tsx"],
        extends: [tseslint.configs.base],
        languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
        linterOptions: { reportUnusedDisableDirectives: "error" },
        rules: {
            eqeqeq: "error",
            "no-var": "error",
            "prefer-const": "error",
            "no-debugger": "error",
            "no-constant-condition": "error",
            "no-dupe-else-if": "error",
            "no-duplicate-case": "error",
            "no-empty": "error",
            "no-fallthrough": "error",
            "no-self-compare": "error",
            "no-unsafe-finally": "error",
            "no-unsafe-optional-chaining": "error",
            "@typescript-eslint/only-throw-error": "error",
            "@typescript-eslint/no-floating-promises": "error",
            "@typescript-eslint/no-misused-promises": "error",
            "@typescript-eslint/await-thenable": "error",
            "@typescript-eslint/no-for-in-array": "error",
            "@typescript-eslint/no-base-to-string": "error",
            "@typescript-eslint/restrict-plus-operands": "error",
            "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
            "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_", caughtErrors: "all" }],
            "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
            "@typescript-eslint/no-explicit-any": "error",
            "@typescript-eslint/ban-ts-comment": "error",
        },
    },
    layer("functions"),
    layer("functions/aws", "domain"),
    layer("functions/domain"),
    layer("packaging"),
    layer("report-page", "functions/domain"),
    layer("policies"),
    layer("infra", "functions", "packaging"),
    layer("tools", "infra", "functions", "packaging", "policies"),
    layer("rehearsal", "tools", "infra", "functions", "packaging"),
);
