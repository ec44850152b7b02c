import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import { MemorySaver } from '@langchain/langgraph';

/**
 * A checkpointer that keeps its checkpoints in a file, so that another process can resume a run. For examples: use a database
 * in production, for example `@langchain/langgraph-checkpoint-postgres`.
 */
export function fileCheckpointer(file: string): MemorySaver {
  const saver = new MemorySaver();
  if (existsSync(file)) Object.assign(saver, deserialize(readFileSync(file)));
  const save = () => writeFileSync(file, serialize({ storage: { ...saver.storage }, writes: { ...saver.writes } }));
  const put = saver.put.bind(saver);
  const putWrites = saver.putWrites.bind(saver);
  saver.put = async (...parameters) => put(...parameters).finally(save);
  saver.putWrites = async (...parameters) => putWrites(...parameters).finally(save);
  return saver;
}
