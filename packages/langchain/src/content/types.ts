import type { ServerFailure } from '../failures/failed-server.ts';

/** A resource that a server lists. All texts are the server's, without control and invisible characters. */
export interface ListedResource {
  /** The configured name of the server. */
  readonly server: string;
  /** The URI for `readResource`. */
  readonly uri: string;
  /** The name. */
  readonly name: string;
  /** The name for people. */
  readonly title?: string;
  /** What the resource contains, at most 8,000 UTF-16 code units. */
  readonly description?: string;
  /** The media type. */
  readonly mimeType?: string;
  /** The size of the content, in bytes. */
  readonly size?: number;
}

/** A template for URIs of resources that a server lists (RFC 6570). */
export interface ListedResourceTemplate extends Omit<ListedResource, 'uri' | 'size'> {
  /** The template, such as `notes://{id}`. */
  readonly uriTemplate: string;
}

/** The content of a resource, or of a part of it. It is as the server sent it. */
export interface ResourceContent {
  /** The URI of the resource, or of the part. */
  readonly uri: string;
  /** The media type. */
  readonly mimeType?: string;
  /** The text. Undefined for binary content. */
  readonly text?: string;
  /** Binary content as base64. Undefined for a text. */
  readonly blob?: string;
}

/** A prompt that a server lists. All texts are the server's, without control and invisible characters. */
export interface ListedPrompt {
  /** The configured name of the server. */
  readonly server: string;
  /** The name for `prompt`. */
  readonly name: string;
  /** The name for people. */
  readonly title?: string;
  /** What the prompt is for, at most 8,000 UTF-16 code units. */
  readonly description?: string;
  /** The arguments of the prompt. */
  readonly arguments: readonly PromptArgument[];
}

/** An argument of a prompt. */
export interface PromptArgument {
  /** The name of the argument. */
  readonly name: string;
  /** What the argument means. */
  readonly description?: string;
  /** Whether the server wants a value. */
  readonly required: boolean;
}

/** Options of a request for a list or for content. */
export interface ContentOptions {
  /** Aborts the request, also at the server. The method then throws its reason. */
  readonly signal?: AbortSignal;
}

/** The resources of servers, and the servers whose resources are missing, or some of them. `loaded` is the number of resources. */
export interface ResourceList {
  /** In the order of the servers, and for each in its order. */
  readonly resources: readonly ListedResource[];
  /** Why resources are missing. */
  readonly failures: readonly ServerFailure[];
}

/** The resource templates of servers, like {@link ResourceList}. */
export interface ResourceTemplateList {
  /** In the order of the servers, and for each in its order. */
  readonly resourceTemplates: readonly ListedResourceTemplate[];
  /** Why resource templates are missing. */
  readonly failures: readonly ServerFailure[];
}

/** The prompts of servers, like {@link ResourceList}. */
export interface PromptList {
  /** In the order of the servers, and for each in its order. */
  readonly prompts: readonly ListedPrompt[];
  /** Why prompts are missing. */
  readonly failures: readonly ServerFailure[];
}
