import com.jayway.jsonpath.*;
import java.io.*;
import java.nio.charset.StandardCharsets;
import java.util.*;
import net.minidev.json.*;
import org.apache.velocity.VelocityContext;
import org.apache.velocity.app.VelocityEngine;

/**
 * Renders templates with Velocity: JSON lines of {template, variables} in, of {output} or {error} out. Lines of
 * {path, document} are JSON paths for Jayway's JsonPath: the output is the JSON of what a path leads to.
 */
public class Render {
  public static void main(String[] args) throws Exception {
    VelocityEngine engine = new VelocityEngine();
    engine.setProperty("runtime.log.logsystem.class", "org.apache.velocity.runtime.log.NullLogChute");
    engine.setProperty("velocimacro.library", "");
    engine.setProperty("velocimacro.permissions.allow.inline.local.scope", "true");
    engine.init();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, "UTF-8");
    int n = 0;
    for (String line; (line = in.readLine()) != null; n++) {
      JSONObject result = new JSONObject();
      try {
        Map<?, ?> request = (Map<?, ?>) Configuration.defaultConfiguration().jsonProvider().parse(line);
        if (request.containsKey("path")) {
          Object found = JsonPath.read((String) request.get("document"), (String) request.get("path"));
          result.put("output", JSONValue.toJSONString(found, JSONStyle.LT_COMPRESS));
          out.println(result.toJSONString(JSONStyle.LT_COMPRESS));
          continue;
        }
        VelocityContext context = new VelocityContext();
        for (Map.Entry<?, ?> e : ((Map<?, ?>) request.get("variables")).entrySet())
          context.put((String) e.getKey(), e.getValue());
        StringWriter w = new StringWriter();
        engine.evaluate(context, w, "case" + n, (String) request.get("template"));
        result.put("output", w.toString());
      } catch (Throwable e) {
        result.put("error", String.valueOf(e.getClass().getSimpleName()));
      }
      out.println(result.toJSONString(JSONStyle.LT_COMPRESS));
    }
  }
}
