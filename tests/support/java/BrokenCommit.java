import java.io.IOException;
import java.io.OutputStream;
import java.util.Iterator;
import java.util.stream.Stream;
import marketlake.ConditionalLogStore;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Abortable;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;

/** Writes a commit whose second action fails; prints what was done to the stream, and what was raised. */
public class BrokenCommit {

  public static class Recording extends OutputStream implements Abortable {
    @Override
    public void write(int one) {}

    @Override
    public void close() {
      System.out.println("closed");
    }

    @Override
    public AbortableResult abort() {
      System.out.println("aborted");
      return null;
    }
  }

  public static class Files extends RawLocalFileSystem {
    @Override
    public FSDataOutputStream create(Path path, boolean overwrite) throws IOException {
      return new FSDataOutputStream(new Recording(), null);
    }
  }

  public static void main(String[] words) throws IOException {
    Configuration configuration = new Configuration(false);
    configuration.set("fs.file.impl", Files.class.getName());
    Iterator<String> actions = Stream.of("one", "two").map(BrokenCommit::told).iterator();
    try {
      new ConditionalLogStore(configuration).write(new Path("file:///log/1.json"), actions, true, configuration);
    } catch (IllegalStateException broken) {
      System.out.println(broken.getMessage());
    }
  }

  private static String told(String action) {
    if (action.equals("two")) {
      throw new IllegalStateException("no second action");
    }
    return action;
  }
}
