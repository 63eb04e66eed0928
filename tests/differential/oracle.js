// Reads lines of {"id", "services": [{"name", "url", "sdl"}]}, composes each with @apollo/composition,
// and writes lines of {"id", "errors": [[code, message]], "hints": [[code, message]], "supergraph", "milliseconds"}.
const { composeServices } = require("@apollo/composition");
const { parse } = require("graphql");
const lines = require("readline").createInterface({ input: process.stdin });

lines.on("line", (line) => {
  const question = JSON.parse(line);
  const answer = { id: question.id, errors: [], hints: [], supergraph: null };
  const began = process.cpuUsage();
  try {
    const services = question.services.map((s) => ({ name: s.name, url: s.url, typeDefs: parse(s.sdl) }));
    const result = composeServices(services);
    answer.errors = (result.errors || []).map((e) => [e.extensions.code, e.message]);
    answer.hints = (result.hints || []).map((h) => [h.definition.code, h.message]);
    answer.supergraph = result.supergraphSdl || null;
  } catch (error) {
    answer.errors = [["THROWN", String(error.message)]];
  }
  const used = process.cpuUsage(began);
  answer.milliseconds = (used.user + used.system) / 1000;
  console.log(JSON.stringify(answer));
});
