import { isJsonObject, type JsonObject, stringField } from '@credence/protocol';
import { AIMessage, type BaseMessage, type ContentBlock, HumanMessage } from '@langchain/core/messages';

/**
 * The messages of a prompt. A prompt of a server becomes messages of a user or of an assistant, never a system message. The content is as
 * the server sent it.
 */
export function promptMessages(answer: JsonObject): BaseMessage[] {
  const { messages } = answer;
  return (Array.isArray(messages) ? messages : []).filter(isJsonObject).map(({ role, content }) => {
    const parts = (Array.isArray(content) ? content : [content]).filter(isJsonObject);
    const blocks = parts.flatMap(blockOf);
    const texts = blocks.flatMap((block) => (block.type === 'text' ? [block.text] : []));
    // Every provider takes a string.
    const fields = texts.length === blocks.length ? { content: texts.join('\n') } : { contentBlocks: blocks };
    return role === 'assistant' ? new AIMessage(fields) : new HumanMessage(fields);
  });
}

type Block = ContentBlock.Text | ContentBlock.Multimodal.Standard;

function blockOf(part: JsonObject): readonly Block[] {
  switch (part['type']) {
    case 'text':
      return [{ type: 'text', text: stringField(part, 'text') ?? '' }];
    case 'image':
    case 'audio':
      return [dataBlock(part['type'], part['data'], part['mimeType'])];
    case 'resource': {
      const { resource } = part;
      if (!isJsonObject(resource)) return [];
      const text = stringField(resource, 'text');
      return [text === undefined ? dataBlock('file', resource['blob'], resource['mimeType']) : { type: 'text', text }];
    }
    case 'resource_link':
      return [{ type: 'text', text: `${stringField(part, 'name') ?? 'resource'}: ${stringField(part, 'uri') ?? ''}` }];
    default:
      return [];
  }
}

function dataBlock(type: 'image' | 'audio' | 'file', data: unknown, mimeType: unknown): Block {
  const kind = typeof mimeType === 'string' ? mimeType : 'application/octet-stream';
  return { type, data: typeof data === 'string' ? data : '', mimeType: kind };
}
