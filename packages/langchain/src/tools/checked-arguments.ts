import { safeSchemaValidator } from '@credence/sdk-adapter';
import { type DynamicStructuredTool, ToolInputParsingException } from '@langchain/core/tools';

/** A schema that accepts everything. */
const ANY = {};

/**
 * Makes a tool validate the arguments of the model with the safe validator. LangChain validates them with @cfworker/json-schema, which
 * a schema of the server can stall: its patterns backtrack, and its work has no limit. The model still gets the whole schema. If the
 * schema cannot be used, only the server validates the arguments. Invalid arguments throw a ToolInputParsingException, as in LangChain.
 */
export function checkArgumentsSafely(tool: DynamicStructuredTool): void {
  const validate = safeSchemaValidator().getValidator(tool.schema);
  const call = tool.call.bind(Object.create(tool, { schema: { value: ANY } }) as DynamicStructuredTool);
  tool.call = async (...parameters: Parameters<typeof call>) => {
    const [input] = parameters;
    const { valid, errorMessage } = validate(isToolCall(input) ? input.args : input);
    if (valid) return call(...parameters);
    const message = `Received tool input did not match expected schema\nDetails: ${errorMessage}`;
    throw new ToolInputParsingException(message, JSON.stringify(input));
  };
}

function isToolCall(input: unknown): input is { readonly args: unknown } {
  return (
    typeof input === 'object' && input !== null && 'type' in input && input.type === 'tool_call' && 'args' in input
  );
}
