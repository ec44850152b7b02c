import { join } from 'node:path';
import { suiteNode } from '../conformance/suite-version.ts';

export const ROOT = join(import.meta.dirname, '../..');
export const EXAMPLES = join(ROOT, 'examples/frameworks');

/** A project with packages of frameworks. */
export interface Project {
  /** Where its package.json and its examples are, below examples/frameworks. */
  readonly examples: string;
  /** Where its programs are that the tests run. */
  readonly programs: string;
  /** The names of these programs. */
  readonly names: readonly string[];
  /** The Node that runs them. */
  readonly node: () => string;
}

export const PROJECTS: readonly Project[] = [
  {
    examples: '.',
    programs: join(import.meta.dirname, 'suite'),
    names: [
      'ai-sdk',
      'openai-agents',
      'mcp-use',
      'mastra',
      'langchain',
      'mcp-sdk',
      'mcp-sdk-1.30',
      'mcp-sdk-1.26',
      'mcp-sdk-1.25',
      'mcp-sdk-1.20',
    ],
    node: () => process.execPath,
  },
  {
    examples: 'newest',
    programs: join(import.meta.dirname, 'newest'),
    names: ['ai-sdk', 'openai-agents', 'mastra'],
    node: suiteNode,
  },
];
