import { type DynamicStructuredTool, ToolInputParsingException } from '@langchain/core/tools';

/** A schema that accepts everything. */
const ANY = {};

/** What happens to the arguments of a model before a call. */
export interface ArgumentChecks {
  /** Gives the arguments the names that the server knows. */
  readonly restored: (args: unknown) => unknown;
  /** What is wrong with the arguments, or undefined. */
  readonly fault: (args: unknown) => string | undefined;
}

/**
 * Makes a tool validate the arguments of the model with the schema of the server, by the safe validator. LangChain validates them with
 * the schema for the model, by @cfworker/json-schema, which a schema of the server can stall: its patterns backtrack, and its work has
 * no limit. Invalid arguments throw a ToolInputParsingException, as in LangChain.
 */
export function checkArgumentsSafely(tool: DynamicStructuredTool, { restored, fault }: ArgumentChecks): void {
  const call = tool.call.bind(Object.create(tool, { schema: { value: ANY } }) as DynamicStructuredTool);
  tool.call = async (...parameters: Parameters<typeof call>) => {
    const [input, ...others] = parameters;
    const args = restored(isToolCall(input) ? input.args : input);
    const errorMessage = fault(args);
    if (errorMessage === undefined) return call(withArgs(input, args), ...others);
    const message = `Received tool input did not match expected schema\nDetails: ${errorMessage}`;
    throw new ToolInputParsingException(message, JSON.stringify(input));
  };
}

function isToolCall(input: unknown): input is { readonly args: unknown } {
  return (
    typeof input === 'object' && input !== null && 'type' in input && input.type === 'tool_call' && 'args' in input
  );
}

/** The same input with other arguments. */
function withArgs<Input>(input: Input, args: unknown): Input {
  if (!isToolCall(input)) return args as Input;
  return input.args === args ? input : { ...input, args };
}
