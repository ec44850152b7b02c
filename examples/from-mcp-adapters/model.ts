import { AIMessage, ToolMessage } from '@langchain/core/messages';
import { fakeModel } from '@langchain/core/testing';

/** A scripted model. It calls the tool that lists issues, whatever prefix its name has, and answers with their ids. */
export function modelFor(tools: readonly { readonly name: string }[]) {
  const name = tools.find((tool) => tool.name.endsWith('list_issues'))?.name ?? 'list_issues';
  return fakeModel()
    .respond(
      new AIMessage({ content: '', tool_calls: [{ type: 'tool_call', id: '1', name, args: { status: 'open' } }] }),
    )
    .respond((seen) => {
      const answer = seen.findLast((message) => ToolMessage.isInstance(message));
      const ids = [...(answer?.text ?? '').matchAll(/"id":\s*"(H-\d+)"/gu)].map(([, id]) => id);
      return new AIMessage(`Open: ${ids.join(', ')}`);
    });
}
