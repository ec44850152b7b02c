import { z } from 'zod';

/** The caller of a tool, read from the access token. */
export interface ToolCaller {
  /** The name of the principal whose client got the access token. */
  readonly principal: string;
  /** The subject of the access token: the name of the principal, or of the user for whom it acts. */
  readonly subject: string;
  /** The scopes of the access token. */
  readonly scopes: readonly string[];
  /** The claim `act` of the access token, if the principal acts for a user. */
  readonly actor?: Readonly<Record<string, unknown>> | undefined;
}

/** Hints for clients about the effects of a tool, as in the MCP specification. */
export interface SandboxToolHints {
  /** Whether the tool changes nothing. */
  readonly readOnlyHint?: boolean;
  /** Whether the tool can delete or overwrite something. */
  readonly destructiveHint?: boolean;
  /** Whether a second call with the same arguments changes nothing more. */
  readonly idempotentHint?: boolean;
  /** Whether the tool uses parties outside of the server. */
  readonly openWorldHint?: boolean;
}

/** What `run` returns: the members of `output`, or anything without it. */
export type SandboxToolResult<Output extends z.ZodRawShape | undefined> = Output extends z.ZodRawShape
  ? z.infer<z.ZodObject<Output>>
  : unknown;

/** The definition of a tool, for {@link sandboxTool}. */
export interface SandboxToolDefinition<
  Input extends z.ZodRawShape,
  Output extends z.ZodRawShape | undefined = undefined,
> {
  /** The name of the tool. */
  name: string;
  /** The scope, or all scopes, that the access token must contain for this tool. */
  scope: string | readonly string[];
  /** The title for people. Default: none. */
  title?: string;
  /** What the tool does, for the model. */
  description: string;
  /** The arguments, each with its zod schema. Default: none. */
  input?: Input;
  /** The members of the result, each with its zod schema. With it, the result is also sent as `structuredContent`. */
  output?: Output;
  /** Hints for clients about the effects of the tool. */
  annotations?: SandboxToolHints;
  /**
   * Runs the tool. The result is sent as JSON text, a string as it is. A {@link ToolRefusal} becomes a tool result that the model can
   * read; any other error is a fault of the server.
   */
  run(
    args: z.infer<z.ZodObject<Input>>,
    caller: ToolCaller,
  ): SandboxToolResult<Output> | Promise<SandboxToolResult<Output>>;
}

/** A tool of a server in the sandbox, made by {@link sandboxTool}. */
export interface SandboxTool {
  /** The name of the tool. */
  readonly name: string;
  /** All scopes that the access token must contain for this tool. */
  readonly scopes: readonly string[];
  /** The title for people. */
  readonly title?: string | undefined;
  /** What the tool does, for the model. */
  readonly description: string;
  /** The schema of the arguments. */
  readonly input: z.ZodObject;
  /** The schema of the result. */
  readonly output?: z.ZodObject | undefined;
  /** Hints for clients about the effects of the tool. */
  readonly annotations?: SandboxToolHints | undefined;
  /** Checks the arguments and runs the tool. */
  readonly run: (args: unknown, caller: ToolCaller) => unknown;
}

/** Thrown by a tool that refuses a valid call. The message is for the model. */
export class ToolRefusal extends Error {
  /** Always `ToolRefusal`. */
  override readonly name = 'ToolRefusal';
}

/**
 * Makes a tool for a server of your own: `startSandbox({ servers: { weather: { tools: [sandboxTool({ ... })] } } })`. zod checks the
 * arguments before the tool runs.
 *
 * @example
 * <!-- from examples/sandbox-own-world.ts#tool -->
 * ```ts
 * const whoIsOnCall = sandboxTool({
 *   name: 'who_is_on_call',
 *   scope: 'rota:read',
 *   description: 'Who is on call',
 *   input: { day: z.string() },
 *   run({ day }, { principal }) {
 *     if (day === 'Sunday') throw new ToolRefusal('Nobody is on call on Sundays.'); // for the model
 *     return `mira, says the rota to ${principal}`;
 *   },
 * });
 * ```
 */
export function sandboxTool<
  Input extends z.ZodRawShape = z.ZodRawShape,
  Output extends z.ZodRawShape | undefined = undefined,
>(definition: SandboxToolDefinition<Input, Output>): SandboxTool {
  const { name, scope, title, description, output, annotations } = definition;
  const input = z.object(definition.input ?? {});
  return {
    name,
    scopes: typeof scope === 'string' ? [scope] : [...scope],
    title,
    description,
    input,
    output: output === undefined ? undefined : z.object(output),
    annotations,
    // the schema of `Input` has checked the arguments, which the compiler cannot see through the default of `input`
    run: (args, caller) => definition.run(input.parse(args) as z.infer<z.ZodObject<Input>>, caller),
  };
}
